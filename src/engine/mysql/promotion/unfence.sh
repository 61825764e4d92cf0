# Takes writes again, as the primary that it was.
echo "$stop; $unlock;" | run
