# Prints this server's version, whether it starts with what it has persisted, and where its data are.
if [ "$family" = mariadb ]; then loads=1; else loads=@@persisted_globals_load; fi
echo "SELECT CONCAT(VERSION(), ' ', $loads, ' ', @@datadir);" | run
