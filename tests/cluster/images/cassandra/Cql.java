import com.datastax.driver.core.Cluster;
import com.datastax.driver.core.ConsistencyLevel;
import com.datastax.driver.core.Row;
import com.datastax.driver.core.Session;
import com.datastax.driver.core.SimpleStatement;
import java.util.StringJoiner;

/** Runs statements: {@code [HOST] -e STATEMENTS}. {@code CONSISTENCY level} counts for those behind it, as in cqlsh. */
public final class Cql {
  private Cql() {}

  public static void main(String[] words) {
    if (words.length < 2 || !words[words.length - 2].equals("-e")) {
      System.err.println("usage: cqlsh [HOST] -e STATEMENTS");
      System.exit(2);
    }
    String host = words.length > 2 ? words[0] : "127.0.0.1";
    int code = 0;
    try (Cluster cluster = Cluster.builder().addContactPoint(host).withoutJMXReporting().build();
        Session session = cluster.connect()) {
      run(session, words[words.length - 1]);
    } catch (RuntimeException error) {
      System.err.println(error.getMessage());
      code = 1;
    }
    System.exit(code);
  }

  private static void run(Session session, String statements) {
    ConsistencyLevel level = ConsistencyLevel.ONE;
    for (String text : statements.split(";")) {
      String[] parts = text.trim().split("\\s+");
      if (parts.length == 2 && parts[0].equalsIgnoreCase("CONSISTENCY")) {
        level = ConsistencyLevel.valueOf(parts[1].toUpperCase());
      } else if (!text.isBlank()) {
        for (Row row : session.execute(new SimpleStatement(text.trim()).setConsistencyLevel(level))) {
          StringJoiner line = new StringJoiner("\t");
          for (int at = 0; at < row.getColumnDefinitions().size(); at++) {
            line.add(String.valueOf(row.getObject(at)));
          }
          System.out.println(line);
        }
      }
    }
  }
}
