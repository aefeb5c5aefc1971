#include "durable-file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "handle.h"
#include "system-error.h"

namespace hotplugd {
namespace {

void writeWhole(const Fd& fd, const std::string& bytes, const std::string& path) {
  for (std::size_t done = 0; done < bytes.size();) {
    const auto written = ::write(fd.get(), bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written == 0) errno = ENOSPC;
    if (written <= 0) fail("write", path);
    done += static_cast<std::size_t>(written);
  }
}

void writeNew(const DurableFile& file) {
  const Fd fd(::open(file.aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file.mode));
  if (!fd) fail("open", file.aside);
  if (::fchmod(fd.get(), file.mode) != 0) fail("fchmod", file.aside);  // whatever the umask
  writeWhole(fd, file.bytes, file.aside);
  if (::fsync(fd.get()) != 0) fail("fsync", file.aside);
}

void syncDirectoryOf(const std::string& path) {
  const auto slash = path.rfind('/');
  const auto directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) fail("open", directory);
  if (::fsync(fd.get()) != 0) fail("fsync", directory);
}

}  // namespace

void replaceDurably(const DurableFile& file) {
  try {
    writeNew(file);
    if (::rename(file.aside.c_str(), file.path.c_str()) != 0) fail("rename", file.path);
  } catch (const SystemError&) {
    ::unlink(file.aside.c_str());
    throw;
  }
  syncDirectoryOf(file.path);
}

void unlinkDurably(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail("unlink", path);
  syncDirectoryOf(path);
}

}  // namespace hotplugd
