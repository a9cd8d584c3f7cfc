#!/bin/busybox sh
# The virtual machine's first process: loads the few modules that Debian's kernel needs for its disks, mounts the two of
# them, and starts the guest program. When something is wrong it ends, and with it the machine, having said so on the
# console: without its disk the guest would work in the memory that it booted from.
b=/bin/busybox
set -e
trap '$b poweroff -f' EXIT
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
for module in $($b cat /modules/common "/modules/$POWERCUT_FS"); do $b insmod "/modules/$module"; done
$b mount -t ext4 -o ro /dev/vda /tools
$b mount -t "$POWERCUT_FS" -o "$POWERCUT_MOUNT" /dev/vdb /state
$b stty -F /dev/ttyS1 raw -echo
/tools/ld.so --library-path /tools /tools/node /tools/guest.mjs
