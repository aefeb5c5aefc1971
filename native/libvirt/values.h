// Between JavaScript values and the plain data of the calls. TypeScript has validated; here a wrong type throws.
#pragma once

#include <napi.h>

#include "calls.h"
#include "error.h"
#include "session.h"

namespace hotplugd {

// From JavaScript; all throw Napi::TypeError.
std::string toText(const Napi::Value& value);
std::vector<std::string> toTexts(const Napi::Value& value);
std::vector<int> toPids(const Napi::Value& value);
unsigned long long toBytes(const Napi::Value& value);
Scope toScope(const Napi::Value& value);
ExpectedDisk toExpectedDisk(const Napi::Value& value);
SessionOptions toSessionOptions(const Napi::Value& value);

// To JavaScript.
Napi::Value fromNames(Napi::Env env, const std::vector<DomainName>& names);
Napi::Value fromDisk(Napi::Env env, const Disk& disk);
Napi::Value fromSnapshot(Napi::Env env, const DomainSnapshot& snapshot);
Napi::Value fromError(Napi::Env env, const LibvirtError& error);

}  // namespace hotplugd
