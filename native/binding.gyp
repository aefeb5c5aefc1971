{
  "target_defaults": {
    "cflags!": ["-fno-exceptions"],
    "cflags_cc!": ["-fno-exceptions", "-fno-rtti"],
    "cflags_cc": ["-std=c++20", "-Wall", "-Wextra", "-Wno-unused-parameter", "-O2"],
    "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_CPP_EXCEPTIONS"],
    "include_dirs": ["<!@(node -p \"require('node-addon-api').include\")", "common"]
  },
  "targets": [
    {
      "target_name": "hotplugd_libvirt",
      "sources": ["libvirt/addon.cc"],
      "cflags": ["<!@(pkg-config --cflags libvirt)"],
      "libraries": ["<!@(pkg-config --libs libvirt)"]
    },
    {
      "target_name": "hotplugd_linux",
      "sources": ["linux/addon.cc"]
    }
  ]
}
