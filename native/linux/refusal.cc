#include "refusal.h"

namespace hotplugd {

Render orRefusal(const std::function<Render()>& act) {
  try {
    return act();
  } catch (const Refusal& refusal) {
    return [refusal](Napi::Env env) -> Napi::Value {
      auto value = Napi::Object::New(env);
      value.Set("kind", refusal.kind);
      value.Set("path", refusal.path);
      value.Set("what", refusal.what);
      value.Set("target", refusal.target);
      return value;
    };
  }
}

}  // namespace hotplugd
