// What was found in place of what was looked for, as an outcome that an act answers with (and no failure of a call).
#pragma once

#include <functional>
#include <string>

#include "loop.h"

namespace hotplugd {

struct Refusal {
  // `missing`, `unsafe`, `changed`, `empty`, `other`, …: the acts say which they know.
  std::string kind;
  std::string path;
  // What was found: `symbolic link`, a device's number, …
  std::string what;
  // Where it points, if it is a link.
  std::string target = {};
};

// What the act renders, or its Refusal as `{kind, path, what, target}`.
Render orRefusal(const std::function<Render()>& act);

}  // namespace hotplugd
