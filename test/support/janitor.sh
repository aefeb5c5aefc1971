#!/usr/bin/env bash
# Reads `DEVICE DIRECTORY` lines until its owner has died or is done, then takes away what of it is still there: the loop
# device, if a file of that directory is still behind it, and the directory.
trap '' INT TERM HUP
made=()
while read -r line; do made+=("$line"); done
for line in "${made[@]}"; do
  read -r device directory <<<"$line"
  [ -d "$directory" ] || continue
  file=$(cat "/sys/block/${device##*/}/loop/backing_file" 2>/dev/null)
  [ "${file%/*}" != "$directory" ] || losetup --detach "$device"
  rm -rf "$directory"
done
