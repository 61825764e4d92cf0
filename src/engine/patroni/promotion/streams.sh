# Says whether every member of the cluster that $1 leads streams on its timeline, besides $2, where that is given.
list=$(fetch "$base/cluster" | tr '{' '\n' | grep '"role": ')
timeline() { sed -n 's/.*"timeline": *\([0-9]*\).*/\1/p'; }
leads=$(printf '%s\n' "$list" | grep '"role": *"leader"')
case $leads in *"\"name\": \"$1\""*) ;; *) echo "$1 does not lead" >&2 && exit 1 ;; esac
on=$(printf '%s\n' "$leads" | timeline)
list=$(printf '%s\n' "$list" | grep -v -e '"role": *"leader"' ${2:+-e "\"name\": \"$2\""})
late=$(printf '%s\n' "$list" | grep -ve '"state": "streaming"' -e '"state": "running"' | head -n 1)
if [ -z "$late" ]; then
  late=$(printf '%s\n' "$list" | grep -v "\"timeline\": $on[,}]" | head -n 1)
fi
if [ -n "$late" ]; then
  echo "not on timeline $on yet: $(printf %s "$late" | sed 's/.*"name": *"\([^"]*\)".*"state": *"\([^"]*\)".*/\1 (\2)/')" >&2
  exit 1
fi
