#include "agent.h"
#include <poll.h>
#include <stdarg.h>

int port = -1;
static char answer[LINE_BYTES * 2 + 256];

static bool can_write(void) {
  struct pollfd wait = {.fd = port, .events = POLLOUT};
  return errno == EAGAIN && poll(&wait, 1, -1) == 1 && !(wait.revents & POLLHUP);
}

void send_line(const char *line, size_t length) {
  while (length > 0) {
    ssize_t n = write(port, line, length);
    if (n < 0 && errno != EINTR && !can_write()) return; /* the lab hung up; it asks again when it is back */
    if (n <= 0) continue;
    line += n;
    length -= n;
  }
}

size_t json_string(char *to, const char *from, size_t length) {
  char *start = to;
  *to++ = '"';
  for (size_t i = 0; i < length; i++) {
    unsigned char c = from[i];
    if (c == '"' || c == '\\' || c < 0x20 || c >= 0x7f) to += sprintf(to, "\\u%04x", c);
    else *to++ = c;
  }
  *to++ = '"';
  *to = 0;
  return to - start;
}

void reply(const char *id, const char *json) {
  int n = snprintf(answer, sizeof answer, "%s ok %s\n", id, json);
  send_line(answer, n);
}

void fail(const char *id, const char *format, ...) {
  char text[512], quoted[512 * 6];
  va_list arguments;
  va_start(arguments, format);
  int n = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  json_string(quoted, text, n < (int)sizeof text ? n : (int)sizeof text - 1);
  n = snprintf(answer, sizeof answer, "%s error %s\n", id, quoted);
  send_line(answer, n);
}
