# Takes writes, and follows nobody any more. Everything was executed before: what it forgets is only where it came from.
echo "$stop; $forget; $unlock;" | run
