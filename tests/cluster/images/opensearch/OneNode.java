import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

/** A node made of the jars alone, with settings as {@code key=value} words. The bootstrap checks of a packaged one are left out. */
public final class OneNode extends Node {
  private OneNode(Environment environment) {
    super(environment, List.of(Netty4Plugin.class), false);
  }

  public static void main(String[] words) throws Exception {
    Map<String, String> settings = new HashMap<>();
    for (String word : words) {
      int at = word.indexOf('=');
      settings.put(word.substring(0, at), word.substring(at + 1));
    }
    Path configuration = Path.of(settings.get("path.home"), "config");
    Node node =
        new OneNode(InternalSettingsPreparer.prepareEnvironment(Settings.EMPTY, settings, configuration, () -> "node"));
    CountDownLatch end = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        node.close();
      } catch (IOException error) {
        System.err.println(error.getMessage());
      }
      end.countDown();
    }));
    node.start();
    end.await();
  }
}
