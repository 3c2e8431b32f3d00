#!/bin/sh
# Gets the demo image from a URL or from a file of the host, and checks its SHA-256 where one is given. An image that
# came from the same place is left as it is.

set -eu
[ -s @PATH@ ] && [ "$(cat @PATH@.from 2>/dev/null)" = @ORIGIN@ ] && exit 0
mkdir -p "$(dirname @PATH@)"
new=@PATH@.new
# shellcheck disable=SC2194 # a placeholder
case @URL@ in
  /*) cp @URL@ "$new" ;;
  file://*) u=@URL@; cp "${u#file://}" "$new" ;;
  *) curl --fail --silent --show-error --location --retry 3 --max-time 900 --output "$new" @URL@ || exit 75 ;;
esac
@CHECK@
mv "$new" @PATH@
printf '%s
' @ORIGIN@ > @PATH@.from
echo "stackwright: changed"
