#!/bin/sh
# What a container sees of its pod, one line a fact, in the file /out/$1: complete before it has that name.
set -u
places='/sink /var/run/secrets'

facts() {
  echo '== identity'
  id
  cat /proc/sys/kernel/hostname
  grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups)' /proc/self/status
  echo '== environment'
  # A line feed in a value is shown as another character, so that a variable is a line.
  env -0 | sort -z | tr '\n\0' '~\n'
  echo '== mounts'
  while read -r _ _ _ _ point options _; do
    case "$point" in /sink* | /var/run/secrets/* | /run/secrets/*) echo "$point ${options%%,*}" ;; esac
  done </proc/self/mountinfo | sort
  echo '== files: path, type, mode, owner, target of a link'
  find $places -printf '%p %y %m %U:%G %l\n' 2>/dev/null | sort
  echo '== contents'
  find $places -type f 2>/dev/null | sort | while read -r file; do
    sha256sum "$file" 2>/dev/null || echo "unreadable $file"
  done
  echo '== tokens: path, claims'
  find $places -name token -type f 2>/dev/null | sort | while read -r file; do
    echo "$file $(cut -d. -f2 "$file" 2>/dev/null)"
  done
  echo '== annotations: path, annotation'
  find $places -name annotations -type f 2>/dev/null | sort | while read -r file; do
    while read -r line || [ -n "$line" ]; do echo "$file $line"; done <"$file"
  done
  echo '== names of hosts'
  cat /etc/hosts /etc/resolv.conf
}

export LC_ALL=C
facts >"/out/.$1"
mv "/out/.$1" "/out/$1"
[ "${2:-}" = once ] || exec sleep infinity
