#!/bin/sh
# Prepended to scripts that install packages: they use only the packages that a bundle brought. dnf has no environment
# variable for that, so a wrapper is put before it in $PATH.

export APT_CONFIG=@APT_CONFIG@
if [ -d @OFFLINE@/repos.d ]; then
  mkdir -p @OFFLINE@/bin
  printf '#!/bin/sh\nexec %s --setopt=reposdir=@OFFLINE@/repos.d "$@"\n' "$(PATH=/usr/bin:/bin command -v dnf)" \
    > @OFFLINE@/bin/dnf
  chmod 755 @OFFLINE@/bin/dnf
  PATH=@OFFLINE@/bin:$PATH; export PATH
fi
