// Disk images made visible in a launcher: a bind mount on an empty file, in the launcher's mount namespace alone.
#pragma once

#include <optional>

#include "launcher-directory.h"
#include "loop.h"

namespace hotplugd {

struct ImageToExpose {
  PlaceInPod volume;
  PlaceInPod launcher;
  LauncherDirectory directory;
  // In the launcher's directory: `<volume>.img`.
  std::string name;
  FileNumber image;
  PodFileOwner owner;
};

// `{kind: 'done'}` or a Refusal: `changed` (the image is another one by now), `missing`, `unsafe`, `empty`, `other`
// (something else is mounted there). Done already, nothing is done again.
Render exposeImage(const ImageToExpose& request);

struct ImageToWithdraw {
  // Nothing: no process of the launcher is left, and with it its mount namespace.
  std::optional<PlaceInPod> launcher;
  LauncherDirectory directory;
  std::string name;
  FileNumber image;
};

// Unmounts that image only, however often it is mounted there, and removes the empty file. `{kind: 'done'}` or a Refusal
// `other` (something else is mounted there), `unsafe`.
Render withdrawImage(const ImageToWithdraw& request);

}  // namespace hotplugd
