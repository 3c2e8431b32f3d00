#!/bin/sh
# Reads what a host consists of: packages, sources, modules, images. Changes nothing.

LC_ALL=C.UTF-8; export LC_ALL
manager=@MANAGER@
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
tab=$(printf '\t')
each() { sed "s/^/$1$tab/"; }
uname -r | each kernel
uname -m | each arch
/usr/bin/python3 -V 2>/dev/null | sed 's/^Python //' | each python
for name in puppet facter; do
  for f in /usr/lib/ruby/vendor_ruby/$name/version.rb /usr/share/ruby/vendor_ruby/$name/version.rb \
    /opt/puppetlabs/puppet/lib/ruby/vendor_ruby/$name/version.rb \
    "/usr/share/gems/gems/$name"-*/lib/"$name"/version.rb; do
    [ -r "$f" ] && sed -n "s/^ *\(PUPPETVERSION\|VERSION\) *= *['\"]\([^'\"]*\)['\"].*/$name$tab\2/p" "$f"
  done
done
for f in @MODULES@/*/metadata.json; do
  [ -r "$f" ] || continue
  m=${f%/metadata.json}
  sed -n 's/.*"version" *: *"\([^"]*\)".*/module'"$tab${m##*/}"' \1/p' "$f" | head -n 1
done
for f in @IMAGES@/*; do
  case $f in *.new) continue ;; esac
  [ -f "$f" ] && printf 'image\t%s %s\n' "${f##*/}" "$(sha256sum < "$f" | cut -d' ' -f1)"
done
if [ "$manager" = apt ]; then
  dpkg-query -W -f '${db:Status-Abbrev}\t${binary:Package} ${Version}\n' |
    sed -n "s/^.i.*$tab/package$tab/p" > "$d/have"
  cat "$d/have"
  # Sources with their origin; then which of them has the version that is installed.
  apt-cache policy | awk '/^ *-?[0-9]+ / {at = $2 " " $3} /^ +release / {print "source\t" at " " $2}'
  cut -f2 "$d/have" | cut -d' ' -f1 | xargs apt-cache policy 2>/dev/null | awk '
    /^[^ ]/ {name = $1; sub(/:$/, "", name); own = 0; found = 0}
    /^ \*\*\* / {own = 1; next}
    /^     [^ ]/ {own = 0}
    /^        / {if (own && !found && $2 != "/var/lib/dpkg/status") {found = 1; print "from\t" name " " $2 " " $3}}'
  for f in /var/lib/apt/lists/*InRelease; do
    [ -r "$f" ] && awk -v sum="$(sha256sum < "$f" | cut -d' ' -f1)" '
      /^(Origin|Label|Codename|Suite|Date): / {key = $1; sub(/^[^ ]+ /, ""); v[key] = $0}
      /^(MD5Sum|SHA1|SHA256):/ {exit}
      END {n = v["Codename:"] ? v["Codename:"] : v["Suite:"]
        print "release\t" v["Origin:"] "|" n "|" v["Date:"] "|" sum}' "$f"
  done
fi
if [ "$manager" = dnf ]; then
  rpm -qa --qf 'package\t%{NAME}.%{ARCH} %|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\n' | grep -v "${tab}gpg-pubkey"
  dnf -qC repoquery --installed --qf '%{name}.%{arch} %{from_repo}' 2>/dev/null | sed "/^$/d; s/^/from$tab/"
  dnf -qC repolist -v --enabled 2>/dev/null |
    sed -n "s/^Repo-\(id\|revision\|updated\|baseurl\) *: */repo-\1$tab/p"
  for f in /var/cache/dnf/*/repodata/repomd.xml; do
    [ -r "$f" ] || continue
    n=${f#/var/cache/dnf/}; n=${n%%/*}
    printf 'repomd\t%s %s\n' "${n%-*}" "$(sha256sum < "$f" | cut -d' ' -f1)"
  done
fi
if [ -e /sys/fs/selinux/enforce ]; then
  { journalctl -q --no-pager -o cat --since "@@SINCE@" _TRANSPORT=audit 2>/dev/null || cat /var/log/audit/audit.log
  } 2>/dev/null | grep 'avc:  *denied' | sed 's/.*avc:  *denied/denied/; s/ pid=[0-9]*//; s/ ino=[0-9]*//' |
    sort | uniq -c | sort -rn | head -n 50 | sed 's/^ */denial\t/'
fi
printf 'end\t1\n'
