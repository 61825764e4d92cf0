# Prints what a new primary connected with while it was a standby. Whoever is rewound to it reads its last checkpoint.
set -eu
on -c CHECKPOINT
on -c 'SHOW primary_conninfo'
