#!/bin/sh
# Builds a small bootable disk image from the distribution's own packages: its cloud kernel, busybox and dropbear.
#
#   sh build.sh IMAGE [WORKDIR]
#
# Needs root? No. Needs: Debian 12 or newer on amd64, apt's package lists, and a mirror that apt can reach (the
# installation used it a moment ago); nothing else of the internet. Nothing is installed: packages are fetched and
# unpacked into a private folder, because the kernel package's own scripts would touch the node's boot loader.
#
# An IMAGE that is there is left alone. The same packages give the same bytes: names are sorted, times and volume
# numbers are fixed. IMAGE.packages says what it was made of. Exit codes: 0 done or already there, 1 failed (the
# reason is on the error output), 75 worth another try (the mirror did not answer).
set -eu
LC_ALL=C
export LC_ALL
umask 022

say() { echo "stackwright: progress $1 6 $2"; }
die() { echo "guest image: $1" >&2; exit "${2:-1}"; }

image=${1:?usage: build.sh IMAGE [WORKDIR]}
sources=$(cd "$(dirname "$0")" && pwd)
if [ -s "$image" ] && [ -s "$image.packages" ]; then
    echo "guest image: $image is there"
    exit 0
fi
mkdir -p "$(dirname "$image")"
image=$(cd "$(dirname "$image")" && pwd)/$(basename "$image")
[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || die "the guest is built on Debian for amd64 only; give an image file or URL instead"

if [ $# -gt 1 ]; then
    work=$2
    mkdir -p "$work"
else
    work=$(mktemp -d "${TMPDIR:-/var/tmp}/stackwright-guest.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
fi
cd "$work"
rm -rf debs x root tools part.img
mkdir debs x

# ---------------------------------------------------------------------------------------------------------- packages
say 1 "fetching the kernel, busybox and dropbear"
closure() {
    # A package and all it depends on, real packages only (virtual ones are shown in angle brackets).
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$1" \
        | sed -n 's/^\([a-z0-9][^ ]*\)$/\1/p'
}
kernel=
for meta in linux-image-cloud-amd64 linux-image-amd64; do
    kernel=$(apt-cache depends --important "$meta" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)
    [ -z "$kernel" ] || break
done
[ -n "$kernel" ] || die "apt knows no kernel package (linux-image-cloud-amd64, linux-image-amd64); run apt-get update" 75
packages=$({ echo "$kernel"; echo busybox-static; closure dropbear-bin; echo syslinux; echo syslinux-common; echo mtools; echo dosfstools; } | sort -u)
# The sandbox user _apt could not write into a folder of root.
# shellcheck disable=SC2086
(cd debs && apt-get -qq -o APT::Sandbox::User=root -o Acquire::Retries=3 download $packages) || die "fetching packages failed" 75

say 2 "unpacking"
for deb in debs/*.deb; do
    # Of the kernel's 100 MB only a dozen modules are wanted, but picking them needs the whole list.
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C x --exclude './usr/share/doc/*' --exclude './usr/share/man/*' --exclude './usr/share/locale/*'
done
# shellcheck disable=SC2016 # dpkg-deb's own variables
(cd debs && for deb in *.deb; do dpkg-deb -W --showformat='${Package} ${Version}\n' "$deb"; done) | sort > packages.txt

# /bin and /lib are links to /usr in newer releases; a package may use either.
file_of() { find x -type f -path "$1" | sort | head -n 1; }
busybox=$work/$(file_of '*/bin/busybox')
[ -x "$busybox" ] || die "busybox-static has no busybox"
# The packages' own loader and libraries: no list of names that ages, and nothing of the node's is needed.
loader=$work/$(find x -name 'ld-linux-x86-64.so.2' | sort | head -n 1)
libraries=$work/x/lib/x86_64-linux-gnu:$work/x/usr/lib/x86_64-linux-gnu
mkdir -p tools
for tool in mkfs.vfat mcopy mattrib mmove syslinux; do
    found=$(find x -name "$tool" -path '*bin/*' | sort | head -n 1)
    [ -n "$found" ] || die "no package has $tool"
    # mtools is one program under many names.
    printf '#!/bin/sh\nexec "%s" --library-path "%s" --argv0 %s "%s" "$@"\n' "$loader" "$libraries" "$tool" "$work/$found" > tools/$tool
    chmod 755 tools/$tool
done
PATH=$work/tools:$PATH
vmlinuz=$(file_of 'x/boot/vmlinuz-*')
[ -n "$vmlinuz" ] || die "$kernel has no /boot/vmlinuz"
SOURCE_DATE_EPOCH=1700000000
export SOURCE_DATE_EPOCH
stamp() { TZ=UTC touch -h -t 202311142213.20 "$@"; }

# -------------------------------------------------------------------------------------------------------- the system
say 3 "collecting drivers and libraries"
mkdir -p root/bin root/sbin root/etc root/lib/modules root/usr/bin root/usr/sbin root/root root/home/cirros root/var/log
chmod 700 root/root
cp "$busybox" root/bin/busybox
ln -s bin/busybox root/init
# Debian's busybox gives the privilege up at once, but for su, ping and the like.
chmod 4755 root/bin/busybox

: > root/lib/modules/order
add_module() {
    # A driver after those it depends on; one that is built in has no file and needs none.
    grep -qx "$1" root/lib/modules/order && return 0
    found=$(find x -name "$1.ko" -o -name "$1.ko.xz" -o -name "$1.ko.zst" -o -name "$1.ko.gz" | sort | head -n 1)
    [ -n "$found" ] || found=$(find x -name "$(echo "$1" | tr _ -).ko*" | sort | head -n 1)
    [ -n "$found" ] || return 0
    case $found in
        *.xz) "$busybox" xzcat "$found" > "root/lib/modules/$1.ko" ;;
        *.gz) gzip -dc "$found" > "root/lib/modules/$1.ko" ;;
        *.zst) zstd -qdc "$found" > "root/lib/modules/$1.ko" ;;
        *) cp "$found" "root/lib/modules/$1.ko" ;;
    esac
    for needed in $(tr '\0' '\n' < "root/lib/modules/$1.ko" | sed -n 's/^depends=//p' | tr ',-' ' _'); do
        add_module "$needed"
    done
    echo "$1" >> root/lib/modules/order
}
for module in virtio_pci virtio_blk virtio_net virtio_rng virtio_scsi sd_mod button evdev; do add_module $module; done
# Those of a configuration drive are loaded only where there is no metadata service.
cp root/lib/modules/order order.early
for module in ata_piix ahci sr_mod isofs nls_cp437 nls_ascii vfat; do add_module $module; done
grep -vxFf order.early root/lib/modules/order > root/lib/modules/order.late || :
mv order.early root/lib/modules/order

for program in usr/sbin/dropbear usr/bin/dropbearkey; do
    found=$(file_of "*/$program")
    [ -n "$found" ] || die "dropbear-bin has no $program"
    cp "$found" root/$program
done
mkdir -p root/lib64
cp -L "$loader" root/lib64/ld-linux-x86-64.so.2
for program in dropbear dropbearkey; do
    "$loader" --library-path "$libraries" --list "$work/$(file_of "*bin/$program")" > list || die "libraries of $program are missing: $(cat list)"
    sed -n 's/.* => \([^ ]*\) .*/\1/p' list
done | sort -u | while read -r library; do
    case $library in "$work"/*) cp -L "$library" root/lib/ ;; *) die "$library is not from a package that was fetched" ;; esac
done
resolver=$(find x -name 'libnss_files.so.2' | sort | head -n 1)
[ -z "$resolver" ] || cp -L "$resolver" root/lib/

cp -R "$sources/root/." root/
chmod 755 root/etc/rc root/etc/udhcpc.script root/etc/acpi/PWRF/00000080 root/usr/bin/*
chmod 600 root/etc/shadow
sed "s/@KERNEL@/$kernel/" "$sources/root/etc/issue" > root/etc/issue

say 4 "packing"
find root -print0 | xargs -0 touch -h -t 202311142213.20
(cd root && find . | sort | "$busybox" cpio -o -H newc -R 0:0 --ignore-devno --renumber-inodes 2>/dev/null) > initrd
gzip -9 -n -c initrd > initrd.gz

# ---------------------------------------------------------------------------------------------------------- the disk
say 5 "writing the disk"
bytes=$(($(wc -c < "$vmlinuz") + $(wc -c < initrd.gz)))
mib=$((bytes / 1048576 + 4))
[ "$mib" -ge 18 ] || mib=18 # below about 17 MiB, FAT16 with these clusters would become FAT12
dd if=/dev/zero of=part.img bs=1M count=0 seek="$mib" 2>/dev/null
mkfs.vfat --invariant -F 16 -s 4 -h 2048 -n GUEST part.img > /dev/null
cp "$vmlinuz" vmlinuz
cat > syslinux.cfg <<'CFG'
DEFAULT guest
PROMPT 0
TIMEOUT 0
LABEL guest
  KERNEL vmlinuz
  INITRD initrd.gz
  APPEND console=tty0 console=ttyS0,115200 net.ifnames=0 no_timer_check mitigations=off nokaslr virtio_net.csum=0 virtio_net.gso=0
CFG
stamp vmlinuz initrd.gz syslinux.cfg
export MTOOLS_SKIP_CHECK=1 MTOOLSRC=/dev/null TZ=UTC
for file in vmlinuz initrd.gz syslinux.cfg; do
    mcopy -m -i part.img $file ::$file
done
syslinux --install part.img

# One active FAT16 partition from sector 2048: boot flag, CHS fields (not used), type 6, first sector, sectors.
# shellcheck disable=SC2059 # the format is the number's bytes
le32() { printf "\\$(printf %03o $(($1 & 255)))\\$(printf %03o $(($1 >> 8 & 255)))\\$(printf %03o $(($1 >> 16 & 255)))\\$(printf %03o $(($1 >> 24 & 255)))"; }
rm -f "$image.part"
dd if=/dev/zero of="$image.part" bs=1M count=0 seek=$((mib + 1)) 2>/dev/null
dd if="$(file_of '*/syslinux/mbr/mbr.bin')" of="$image.part" conv=notrunc 2>/dev/null
{ printf '\200\040\041\000\006\376\377\377'; le32 2048; le32 $((mib * 2048)); } | dd of="$image.part" bs=1 seek=446 conv=notrunc 2>/dev/null
printf '\125\252' | dd of="$image.part" bs=1 seek=510 conv=notrunc 2>/dev/null
dd if=part.img of="$image.part" bs=1M seek=1 conv=notrunc,sparse 2>/dev/null

say 6 "done"
cp packages.txt "$image.packages"
case $image in
    *.qcow2)
        qemu-img convert -O qcow2 -c "$image.part" "$image.part2" || die "qemu-img could not convert the image"
        mv "$image.part2" "$image"
        rm -f "$image.part"
        ;;
    *) mv "$image.part" "$image" ;;
esac
echo "guest image: $image, $(wc -c < "$image") bytes, from $kernel"
echo "stackwright: changed"
