# Prints the name and the password, in hexadecimal digits, that this replica connects to its source with.
if [ "$family" = mariadb ]; then
  file=$(echo 'SELECT @@datadir;' | run)/master.info
  hex() { sed -n "$1p" "$file" | tr -d '\n' | od -An -v -tx1 | tr -d ' \n'; }
  echo "$(hex 5) $(hex 6)"
else
  echo "SELECT CONCAT(HEX(User_name), ' ', HEX(User_password)) FROM mysql.slave_master_info WHERE Channel_name = '';" | run
fi
