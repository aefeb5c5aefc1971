{
  "target_defaults": {
    "cflags!": ["-fno-exceptions"],
    "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
    "cflags_cc": ["-std=c++20", "-Wall", "-Wextra", "-Wno-unused-parameter", "-O2"],
    # In a worker that is being terminated an error can be neither made nor thrown; that must not end the process.
    "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_CPP_EXCEPTIONS", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
    "include_dirs": ["<!@(node -p \"require('node-addon-api').include\")", "common"]
  },
  "targets": [
    {
      "target_name": "hotplugd_libvirt",
      "sources": [
        "libvirt/addon.cc", "libvirt/calls.cc", "libvirt/connection.cc", "libvirt/domain-xml.cc", "libvirt/error.cc",
        "libvirt/events.cc", "libvirt/process.cc", "libvirt/runtime.cc", "libvirt/session.cc", "libvirt/values.cc"
      ],
      "cflags": ["<!@(pkg-config --cflags libvirt libvirt-qemu pugixml)"],
      "libraries": ["<!@(pkg-config --libs libvirt libvirt-qemu pugixml)"],
      # Its threads outlive a worker that loaded it: the code below them must never be unmapped.
      "ldflags": ["-Wl,-z,nodelete"]
    },
    {
      "target_name": "hotplugd_linux",
      "sources": [
        "linux/act.cc", "linux/addon.cc", "linux/arguments.cc", "linux/beneath.cc", "linux/descriptor.cc", "linux/device.cc",
        "linux/device-program.cc", "linux/durable-file.cc", "linux/exposed-device.cc", "linux/exposed-image.cc", "linux/filesystem.cc",
        "linux/footprint.cc", "linux/kernel-features.cc", "linux/launcher-directory.cc", "linux/launcher-socket.cc", "linux/look-up.cc",
        "linux/loop-backing.cc", "linux/missing-component.cc", "linux/namespaces.cc", "linux/node-lock.cc",
        "linux/notify.cc", "linux/path-footprints.cc", "linux/peer.cc", "linux/pod-acts.cc", "linux/pod-cgroup.cc",
        "linux/pod-image.cc", "linux/pod-look-up.cc", "linux/pod-processes.cc", "linux/pool.cc", "linux/process.cc",
        "linux/process-of-pod.cc", "linux/refusal.cc", "linux/size-files.cc", "linux/sizes.cc", "linux/sysfs.cc",
        "linux/system-error.cc"
      ],
      "ldflags": ["-Wl,-z,nodelete"]
    }
  ]
}
