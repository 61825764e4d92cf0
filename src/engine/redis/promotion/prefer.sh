# Sets how willingly sentinels choose the server here: the lower the number $2, the sooner; 0 means never.
said=$(ask CONFIG SET replica-priority "$2")
if [ "$said" != OK ]; then
  echo "CONFIG SET replica-priority: $said" >&2
  exit 1
fi
keep
