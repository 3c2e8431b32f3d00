#!/bin/sh
# Prepended to scripts that install packages: they use the package cache while it answers. Tested with bash's sockets
# and not with curl: minimal systems lack curl.

# The site's package cache, while it answers.
if timeout 5 bash -c ': < /dev/tcp/@ADDRESS@/@PORT@' 2>/dev/null; then
  mkdir -p /var/lib/stackwright/cached
  echo 'Acquire::http::Proxy "@URL@";' > /var/lib/stackwright/cached/apt.conf
  export APT_CONFIG=/var/lib/stackwright/cached/apt.conf
  if real=$(PATH=/usr/bin:/bin command -v dnf); then
    printf '#!/bin/sh\nexec %s "$@" --setopt=proxy=@URL@\n' "$real" > /var/lib/stackwright/cached/dnf
    chmod 755 /var/lib/stackwright/cached/dnf
    PATH=/var/lib/stackwright/cached:$PATH
    export PATH
  fi
fi
