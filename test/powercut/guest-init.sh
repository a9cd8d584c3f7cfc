#!/bin/busybox sh
# The virtual machine's first process: loads the few modules that Debian's kernel needs for its disks, mounts the two of
# them, and starts the guest program. It ends only when the power does, or when something is wrong: said on the console.
b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
for module in $($b cat /modules/common "/modules/$POWERCUT_FS"); do $b insmod "/modules/$module"; done
$b mount -t ext4 -o ro /dev/vda /tools
$b mount -t "$POWERCUT_FS" -o "$POWERCUT_MOUNT" /dev/vdb /state
$b stty -F /dev/ttyS1 raw -echo
/tools/ld.so --library-path /tools /tools/node /tools/guest.mjs
echo "the guest program ended with $?"
$b poweroff -f
