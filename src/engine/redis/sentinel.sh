# Prints what the sentinel says of every master that it watches, each answer after `== NAME`, and `== end`. Nothing is changed.
masters=$(ask SENTINEL MASTERS) || exit
echo '== masters'
admitted "$masters"
before=
printf '%s\n' "$masters" | while read -r line; do
  if [ "$before" = name ]; then
    for what in replicas sentinels ckquorum; do
      printf '== %s %s\n' "$what" "$line"
      ask SENTINEL "$what" "$line"
    done
  fi
  before=$line
done
echo '== end'
