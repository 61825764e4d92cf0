# Takes writes again, as the primary that it was.
release
echo "$stop; $unlock;" | run
