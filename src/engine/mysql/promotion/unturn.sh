# Follows nobody.
echo "$stop; $forget;" | run
