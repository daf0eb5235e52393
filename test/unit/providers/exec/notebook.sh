#!/bin/sh
# A program for tests: VIPs are files in FOLDER. The file `mode` there says how it misbehaves.
asked=$(cat)
printf '%s\n' "$asked" >>"$FOLDER/asked"
verb=${asked#*\"verb\":\"}
verb=${verb%%\"*}
ids=$(printf '%s' "$asked" | grep -o '"id":"[^"]*"' | cut -d '"' -f 4)
mode=
[ ! -e "$FOLDER/mode" ] || mode=$(cat "$FOLDER/mode")

hold() { for id in $ids; do : >"$FOLDER/held-$id"; done; }
unsupported() { echo '{"version":1,"unsupported":true}'; exit 0; }

case $mode/$verb in
  hang/*) sleep 60 ;;
  slow/*) sleep 0.3 ;;
  die/*) printf 'first line\ncannot reach the API: 503\n' >&2; exit 7 ;;
  garbage/*) echo 'put up all of them, fine'; exit 0 ;;
  die-after/acquire) hold; exit 1 ;;
  plain/renew | plain/test | */announce) unsupported ;;
esac
case $verb in
  acquire) hold ;;
  release) for id in $ids; do rm -f "$FOLDER/held-$id"; done ;;
  test) echo '{"version":1,"checks":[{"what":"the notebook","verdict":"pass","detail":"has pages"}]}'; exit 0 ;;
esac
case $mode in
  fit) more=',"fit":true' ;;
  unfit) more=',"fit":false' ;;
  forgetful) ids=$(printf '%s\n' $ids | tail -n +2) ;;
esac
comma=
printf '{"version":1,"vips":['
for id in $ids; do
  held=false
  [ ! -e "$FOLDER/held-$id" ] || held=true
  printf '%s{"id":"%s","held":%s,"reason":"%s done"%s}' "$comma" "$id" $held "$verb" "$more"
  comma=,
done
echo ']}'
