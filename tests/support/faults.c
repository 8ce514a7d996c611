/*
 * Faults in file operations, for LD_PRELOAD. Operations that change files below FAULT_ROOT are counted over all processes
 * in the file FAULT_COUNTER (8 bytes). At number FAULT_AT, from 1, FAULT_MODE happens:
 *
 *   kill    SIGKILL before the operation
 *   tear    half of a write (or all of another operation), then SIGKILL
 *   eio     the operation fails with EIO
 *   enospc  the operation fails with ENOSPC
 *   power   SIGKILL of the sweep and of its worker before the operation
 *   orphan  SIGKILL of the sweep before an operation of its worker, which continues
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault { NONE, KILL, TEAR, FAIL };

#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))

static uint64_t *counter(void) {
  static uint64_t *shared;
  if (shared) return shared;
  const char *path = getenv("FAULT_COUNTER");
  int fd = path ? REAL(open)(path, O_RDWR) : -1;
  if (fd < 0) return NULL;
  void *at = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return shared = at == MAP_FAILED ? NULL : at;
}

static int below(const char *path) {
  const char *root = getenv("FAULT_ROOT");
  return root && strncmp(path, root, strlen(root)) == 0;
}

static int fd_below(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return below(path);
}

static int at_below(int dir, const char *path) { return path[0] == '/' ? below(path) : dir != AT_FDCWD && fd_below(dir); }

static void kill_sweep(void) {
  const char *pid = getenv("LOSSKIT_SWEEP"); /* set in workers */
  kill(pid ? (pid_t) strtol(pid, NULL, 10) : getpid(), SIGKILL);
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* Counts an operation. A kill is carried out here; the caller carries out what is returned. */
static enum fault next(int counted) {
  uint64_t *count = counted ? counter() : NULL;
  const char *at = getenv("FAULT_AT"), *mode = getenv("FAULT_MODE");
  if (!count) return NONE;
  uint64_t number = __sync_add_and_fetch(count, 1);
  if (!at || !mode || number != strtoull(at, NULL, 10)) return NONE;
  if (!strcmp(mode, "power") || !strcmp(mode, "orphan")) kill_sweep();
  if (!strcmp(mode, "orphan")) return NONE;
  if (!strcmp(mode, "kill") || !strcmp(mode, "power")) die();
  if (!strcmp(mode, "tear")) return TEAR;
  errno = strcmp(mode, "eio") ? ENOSPC : EIO;
  return FAIL;
}

#define OPERATION(counted, call) \
  switch (next(counted)) { \
    case FAIL: return -1; \
    case TEAR: (void) !(call); die(); \
    default: return call; \
  }

#define CHANGES(flags) ((flags) & (O_CREAT | O_TRUNC))
#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
    OPERATION(CHANGES(flags) && below(path), REAL(name)(path, flags, mode)) \
  }
#define OPENAT(name) \
  int name(int dir, const char *path, int flags, ...) { \
    va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
    OPERATION(CHANGES(flags) && at_below(dir, path), REAL(name)(dir, path, flags, mode)) \
  }
OPEN(open) OPEN(open64) OPENAT(openat) OPENAT(openat64)

ssize_t write(int fd, const void *bytes, size_t count) {
  switch (next(fd > 2 ? fd_below(fd) : 0)) {
    case FAIL: return -1;
    case TEAR: (void) !REAL(write)(fd, bytes, count / 2); die();
    default: return REAL(write)(fd, bytes, count);
  }
}
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t count, unsigned flags) {
  switch (next(fd_below(out))) {
    case FAIL: return -1;
    case TEAR: (void) !REAL(copy_file_range)(in, from, out, to, (count > 64 ? 64 : count) / 2, flags); die();
    default: return REAL(copy_file_range)(in, from, out, to, count, flags);
  }
}
int ftruncate(int fd, off_t length) { OPERATION(fd_below(fd), REAL(ftruncate)(fd, length)) }
int ftruncate64(int fd, off64_t length) { OPERATION(fd_below(fd), REAL(ftruncate64)(fd, length)) }
int fsync(int fd) { OPERATION(fd_below(fd), REAL(fsync)(fd)) }
int fdatasync(int fd) { OPERATION(fd_below(fd), REAL(fdatasync)(fd)) }
int rename(const char *from, const char *to) { OPERATION(below(to), REAL(rename)(from, to)) }
int unlink(const char *path) { OPERATION(below(path), REAL(unlink)(path)) }
int unlinkat(int dir, const char *path, int flags) { OPERATION(at_below(dir, path), REAL(unlinkat)(dir, path, flags)) }
int rmdir(const char *path) { OPERATION(below(path), REAL(rmdir)(path)) }
int mkdir(const char *path, mode_t mode) { OPERATION(below(path), REAL(mkdir)(path, mode)) }
