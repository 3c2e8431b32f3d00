#!/bin/sh
# Makes a Debian node look like CentOS Stream 9 to whoever asks its system, dnf or rpm, with repositories of tiny packages
# that carry RDO's names, on the node's own web server: /srv/www/mirror has the layout of a CentOS mirror.
#   rpm_node.sh NAME...     packages of the OpenStack release
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root
apt-get -qq update
apt-get -qq -y --no-install-recommends install dnf dnf-plugins-core rpm createrepo-c gnupg curl python3 >/dev/null
# Debian's rpm has its database in the home folder, and looks for another gpg.
mkdir -p /etc/rpm
printf '%s\n' '%_dbpath /var/lib/rpm' '%__gpg /usr/bin/gpg' > /etc/rpm/macros.node
rpm --initdb
# A plug-in that Debian switches on, and CentOS does not: it makes a repository of what was installed.
sed -i 's/^enabled = true/enabled = false/' /etc/dnf/plugins/local.conf
rm -f /etc/os-release
cat > /etc/os-release <<'OS'
NAME="CentOS Stream"
VERSION="9"
ID="centos"
ID_LIKE="rhel fedora"
VERSION_ID="9"
PLATFORM_ID="platform:el9"
PRETTY_NAME="CentOS Stream 9"
OS

# Keys of the SIGs, of the base system, and of somebody whom nobody knows.
for who in sig other stranger; do
  gpg --batch --quiet --passphrase '' --quick-gen-key "$who@example.org" rsa2048 sign never
  gpg --batch --armor --export "$who@example.org" > "/srv/$who.key"
done
mkdir -p /srv/www/keys
for sig in Cloud Messaging NFV Storage; do cp /srv/sig.key "/srv/www/keys/RPM-GPG-KEY-CentOS-SIG-$sig"; done

# build FOLDER VERSION KEY NAME...: one source package, of which each name is a part
build() {
  folder=$1 version=$2 key=$3
  shift 3
  mkdir -p "$folder"
  top=$(mktemp -d)
  {
    printf 'Name: tiny\nVersion: %s\nRelease: 1\nSummary: tiny\nLicense: none\nBuildArch: noarch\n%%description\ntiny\n' "$version"
    for name in "$@"; do
      printf '%%package -n %s\nSummary: tiny\n' "$name"
      case $name in
        centos-stream-release) printf 'Provides: system-release = 9\nProvides: system-release(releasever) = 9\n' ;;
        openstack-keystone) printf 'Requires: python3-keystone-tests\n' ;;
        puppet) printf 'Requires: facter\n' ;;
        facter) printf 'Requires: leatherman\n' ;;
        needs-nothing-there) printf 'Requires: nobody-has-this\n' ;;
      esac
      printf '%%description -n %s\ntiny\n%%files -n %s\n' "$name" "$name"
    done
  } > "$top/tiny.spec"
  rpmbuild -bb --quiet --define "_topdir $top" --define "_rpmdir $top/out" "$top/tiny.spec"
  [ "$key" = none ] || rpmsign --define "_gpg_name $key@example.org" --addsign "$top"/out/noarch/*.rpm >/dev/null
  cp "$top"/out/noarch/*.rpm "$folder/"
  rm -rf "$top"
}

base=/srv/www/base
build $base/baseos 1.0 other centos-stream-release dnf-base-thing
build $base/crb 1.0 other python3-keystone-tests
sigs=/srv/www/mirror/SIGs/9-stream
build $sigs/cloud/x86_64/openstack-zed 1.0 sig "$@" facter leatherman needs-nothing-there
build $sigs/messaging/x86_64/rabbitmq-38 1.0 sig erlang
build $sigs/nfv/x86_64/openvswitch-2 1.0 sig openvswitch
build $sigs/storage/x86_64/ceph-pacific 1.0 sig ceph-common
# Newer than everybody else's, as EPEL's leatherman is.
build $base/epel 99.0 other leatherman epel-thing
# Signed by the wrong people.
build /srv/www/wrong 1.0 stranger wrongly-signed
build /srv/www/unsigned 1.0 none unsigned
# shellcheck disable=SC2231 # no spaces
for folder in $base/baseos $base/crb $base/epel $sigs/*/*/* /srv/www/wrong /srv/www/unsigned; do createrepo_c -q "$folder"; done

mkdir -p /etc/yum.repos.d
repo() { printf '[%s]\nname=%s\nbaseurl=http://127.0.0.1:8080/base/%s\nenabled=%s\ngpgcheck=1\ngpgkey=file:///srv/other.key\n' "$1" "$1" "$1" "$2"; }
{ repo baseos 1; repo crb 0; } > /etc/yum.repos.d/centos.repo
repo epel 1 > /etc/yum.repos.d/epel.repo

systemd-run --quiet --unit=www python3 -m http.server --bind 127.0.0.1 --directory /srv/www 8080
# A proxy, which alone knows where mirror.example is.
cat > /srv/proxy.py <<'PROXY'
import http.server, urllib.request
class Proxy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open("/srv/proxy.log", "a").write(self.path + "\n")
        try:
            with urllib.request.urlopen(self.path.replace("//mirror.example/", "//127.0.0.1:8080/")) as answer:
                self.send_response(200); self.end_headers(); self.wfile.write(answer.read())
        except urllib.error.HTTPError as error:
            self.send_error(error.code)
http.server.ThreadingHTTPServer(("127.0.0.1", 3128), Proxy).serve_forever()
PROXY
systemd-run --quiet --unit=proxy python3 /srv/proxy.py
until curl -sfo /dev/null http://127.0.0.1:8080/keys/; do sleep 0.2; done
dnf -y -q install centos-stream-release
