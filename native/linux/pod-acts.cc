#include "pod-acts.h"

#include "act.h"
#include "arguments.h"
#include "device-program.h"
#include "exposed-device.h"
#include "exposed-image.h"
#include "launcher-socket.h"
#include "path-footprints.h"
#include "pod-look-up.h"
#include "pod-processes.h"
#include "sizes.h"

namespace hotplugd {
namespace {

int number(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }

bool isNull(const Napi::Value& value) { return value.IsNull() || value.IsUndefined(); }

// (procRoot, cgroupRoot, podUid)
PodQuestion podQuestion(const Napi::CallbackInfo& info) { return {text(info[0]), text(info[1]), text(info[2])}; }

// {proc, pid, startTime, cgroup}
ProcessOfPod processOfPod(const Napi::Value& value) {
  const auto process = value.As<Napi::Object>();
  return {{text(process.Get("proc")), number(process.Get("pid")), text(process.Get("startTime"))},
          text(process.Get("cgroup"))};
}

// {process, mountPoint, mountId}
PlaceInPod placeInPod(const Napi::Value& value) {
  const auto place = value.As<Napi::Object>();
  const auto mountId = static_cast<std::uint64_t>(place.Get("mountId").As<Napi::Number>().Int64Value());
  return {processOfPod(place.Get("process")), text(place.Get("mountPoint")), mountId};
}

// {podsDirectory, podUid}
LauncherDirectory launcherDirectory(const Napi::Value& value) {
  const auto directory = value.As<Napi::Object>();
  return {text(directory.Get("podsDirectory")), text(directory.Get("podUid"))};
}

// {filesystem, inode}
FileNumber fileNumber(const Napi::Value& value) {
  const auto file = value.As<Napi::Object>();
  return {device(file.Get("filesystem")), inode(file.Get("inode"))};
}

// {user, group}
PodFileOwner owner(const Napi::Value& value) {
  const auto ids = value.As<Napi::Object>();
  return {ids.Get("user").As<Napi::Number>().Uint32Value(), ids.Get("group").As<Napi::Number>().Uint32Value()};
}

Napi::Value pids(const Napi::CallbackInfo& info) {
  return perform(info.Env(), [question = podQuestion(info)] { return processesOfPod(question); });
}

Napi::Value describe(const Napi::CallbackInfo& info) {
  return perform(info.Env(), [question = podQuestion(info)] { return describePod(question); });
}

// (podsDirectory, podUid, volume, claimUid or null, {proc, sysfs})
Napi::Value lookUpDevice(const Napi::CallbackInfo& info) {
  const auto roots = info[4].As<Napi::Object>();
  const auto claim = isNull(info[3]) ? std::nullopt : std::optional(text(info[3]));
  const PodDeviceQuestion question{text(info[0]), text(info[1]),           text(info[2]),
                                   claim,         text(roots.Get("proc")), Sysfs(text(roots.Get("sysfs")))};
  return perform(info.Env(), [question] { return lookUpPodDevice(question); });
}

// (place, volume)
Napi::Value lookUpImage(const Napi::CallbackInfo& info) {
  return perform(info.Env(), [place = placeInPod(info[0]), volume = text(info[1])] { return lookUpPodImage(place, volume); });
}

// (launcher place, launcher directory, name, sysfs)
Napi::Value identify(const Napi::CallbackInfo& info) {
  return perform(info.Env(), [launcher = placeInPod(info[0]), directory = launcherDirectory(info[1]),
                              name = text(info[2]), sysfs = Sysfs(text(info[3]))] {
    return identifyExposed(launcher, directory, name, sysfs);
  });
}

// {name, filesystem, inode}
SizeQuestion imageQuestion(const Napi::Value& value) {
  const auto number = fileNumber(value);
  return {text(value.As<Napi::Object>().Get("name")), false, number.filesystem, number.inode};
}

// (launcher place, launcher directory, images)
Napi::Value imageSizes(const Napi::CallbackInfo& info) {
  return perform(info.Env(), [launcher = placeInPod(info[0]), directory = launcherDirectory(info[1]),
                              images = listOf<SizeQuestion>(info[2], imageQuestion)] {
    return Render([answers = sizesInLauncher(launcher, directory, images)](Napi::Env env) {
      auto list = Napi::Array::New(env, answers.size());
      for (std::uint32_t index = 0; index < answers.size(); ++index) list.Set(index, toJs(env, answers[index]));
      return list;
    });
  });
}

// (launcher directory, name, device)
DeviceNode deviceNode(const Napi::CallbackInfo& info) {
  return {launcherDirectory(info[0]), text(info[1]), device(info[2])};
}

// (launcher directory, name, device, {diskseq or null, user, group, sysfs}, replaced device or null)
Napi::Value showDevice(const Napi::CallbackInfo& info) {
  const auto more = info[3].As<Napi::Object>();
  const auto diskseq = isNull(more.Get("diskseq")) ? std::nullopt : std::optional(text(more.Get("diskseq")));
  const DeviceToExpose request{deviceNode(info), diskseq, owner(more), Sysfs(text(more.Get("sysfs")))};
  const auto replaced = isNull(info[4]) ? std::nullopt : std::optional(device(info[4]));
  return perform(info.Env(), [request, replaced] { return exposeDevice(request, replaced); });
}

Napi::Value hideDevice(const Napi::CallbackInfo& info) {
  return perform(info.Env(), [node = deviceNode(info)] { return withdrawDevice(node); });
}

// (volume place, launcher place, launcher directory, {name, filesystem, inode, user, group})
Napi::Value showImage(const Napi::CallbackInfo& info) {
  const auto name = text(info[3].As<Napi::Object>().Get("name"));
  const ImageToExpose request{placeInPod(info[0]), placeInPod(info[1]), launcherDirectory(info[2]),
                              name,                fileNumber(info[3]), owner(info[3])};
  return perform(info.Env(), [request] { return exposeImage(request); });
}

// (launcher place or null, launcher directory, {name, filesystem, inode})
Napi::Value hideImage(const Napi::CallbackInfo& info) {
  const auto launcher = isNull(info[0]) ? std::nullopt : std::optional(placeInPod(info[0]));
  const auto name = text(info[2].As<Napi::Object>().Get("name"));
  const ImageToWithdraw request{launcher, launcherDirectory(info[1]), name, fileNumber(info[2])};
  return perform(info.Env(), [request] { return withdrawImage(request); });
}

// (control groups, granted devices, revoked devices)
Napi::Value changeRules(const Napi::CallbackInfo& info) {
  const DeviceRules rules{listOf<dev_t>(info[1], device), listOf<dev_t>(info[2], device)};
  return perform(info.Env(), [cgroups = listOf<std::string>(info[0], text), rules] { return changeDeviceRules(cgroups, rules); });
}

Napi::Value programs(const Napi::CallbackInfo& info) {
  return perform(info.Env(), [cgroups = listOf<std::string>(info[0], text)] { return attachedDevicePrograms(cgroups); });
}

// (process, names)
Napi::Value socket(const Napi::CallbackInfo& info) {
  return perform(info.Env(), [process = processOfPod(info[0]), names = listOf<std::string>(info[1], text)] {
    return openLauncherSocket(process, names);
  });
}

// (process, paths, sysfs)
Napi::Value footprints(const Napi::CallbackInfo& info) {
  return perform(info.Env(), [process = processOfPod(info[0]), paths = listOf<std::string>(info[1], text),
                              sysfs = Sysfs(text(info[2]))] { return footprintsInPod(process, paths, sysfs); });
}

}  // namespace

void offerPodActs(Napi::Object exports) {
  offer<pids>(exports, "processesOfPod");
  offer<describe>(exports, "describePod");
  offer<lookUpDevice>(exports, "lookUpPodDevice");
  offer<lookUpImage>(exports, "lookUpPodImage");
  offer<identify>(exports, "identifyExposed");
  offer<imageSizes>(exports, "sizesInLauncher");
  offer<showDevice>(exports, "exposeDevice");
  offer<hideDevice>(exports, "withdrawDevice");
  offer<showImage>(exports, "exposeImage");
  offer<hideImage>(exports, "withdrawImage");
  offer<changeRules>(exports, "changeDeviceRules");
  offer<programs>(exports, "attachedDevicePrograms");
  offer<socket>(exports, "openLauncherSocket");
  offer<footprints>(exports, "footprintsInPod");
}

}  // namespace hotplugd
