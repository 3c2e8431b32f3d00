#!/bin/sh
# Stand-ins for programs that packages' own scripts call in vain. dpkg finds them in a folder that comes first on its
# path.
#
# py3compile: most of the time that OpenStack's packages take is byte code. py3compile starts two interpreters for each
# of three hundred packages (0.2 s of CPU each, before the first module is compiled), and dpkg waits for it. The
# stand-in only notes the package; noted packages are compiled beside dpkg, many at a time, and on into Puppet's first
# minute, which leaves a core idle. A killed compiler only costs speed: Python works without byte code.
#
# systemctl: a hundred packages make systemd reload all units (0.15 s of its CPU each), for services that must not start
# yet. The script reloads once, at the end. A folder that is left over shows that a run was killed before that.
# shellcheck disable=SC2154 # $state is the including script's

standins=$state/standins
mkdir -p "$standins"
rm -rf "$state"/bytecode.*
bytecode=$(mktemp -d "$state/bytecode.XXXXXX")
: > "$bytecode/noted"
cat > "$standins/py3compile" <<END
#!/bin/sh
case "\$#\$1" in
  2-p|3-p) echo "\$2 \${3-}" >> "$bytecode/noted" ;;
  *) exec /usr/bin/py3compile "\$@" ;;
esac
END
cat > "$standins/systemctl" <<'END'
#!/bin/sh
for word; do
  case $word in
    --system|-q|--quiet) ;;
    daemon-reload) exit 0 ;;
    *) break ;;
  esac
done
exec /usr/bin/systemctl "$@"
END
chmod 755 "$standins/py3compile" "$standins/systemctl"
modules() {
  while read -r package folder; do
    folder=${folder:-/usr/lib/python3/dist-packages}
    folder=${folder%/}
    for list in "/var/lib/dpkg/info/$package.list" "/var/lib/dpkg/info/${package%:*}.list"; do
      [ ! -e "$list" ] || grep "^$folder/.*[.]py\$" "$list" || true
    done
  done
}
# Noted packages from a line on, up to another one; what cannot be compiled is left to Python.
compile() {
  sed -n "$1,$2p" "$bytecode/noted" | modules | xargs -r -n 100 -P "$spare" python3 -m compileall -q || true
}
compiler() {
  umask 022  # not the run's own: services read what is compiled, and they are not root
  from=1
  spare=$(($(nproc) > 1 ? $(nproc) - 1 : 1))
  while kill -0 $$ && [ ! -e "$bytecode/done" ]; do
    to=$(wc -l < "$bytecode/noted")
    if [ "$to" -ge $from ] && command -v python3; then
      compile $from "$to"
      from=$((to + 1))
    else
      sleep 0.5
    fi
  done
  compile $from '$'
  rm -rf "$bytecode"
}
