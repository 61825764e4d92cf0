# Prints this server's version, whether it starts with what it has persisted, and where its data are.
echo "SELECT CONCAT(VERSION(), ' ', @@persisted_globals_load, ' ', @@datadir);" | run
