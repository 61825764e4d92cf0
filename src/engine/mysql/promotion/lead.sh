# Takes writes, and follows nobody any more. Everything was executed before: what it forgets is only where it came from.
release
echo "$stop; $forget; $unlock;" | run
