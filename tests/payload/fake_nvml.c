/* Stands in for NVIDIA's library on a machine without a GPU: FAKE_NVML names a file, read again at
 * every call, such as "n=2,util=37,lost=0". Build with -shared -fPIC -Wl,-soname,libnvidia-ml.so.1 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOT_SUPPORTED = 3, TOO_SMALL = 7, NO_DRIVER = 9, LOST = 15 };
typedef unsigned int u32;
typedef unsigned long long u64;
typedef size_t device; /* the index plus one */

static long setting(const char *key, long otherwise) {
    char text[1024] = "";
    const char *path = getenv("FAKE_NVML");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (file) {
        text[fread(text, 1, sizeof text - 1, file)] = 0;
        fclose(file);
    }
    size_t length = strlen(key);
    for (char *at = text; at && *at; at = strchr(at, ','), at = at ? at + 1 : at)
        if (!strncmp(at, key, length) && at[length] == '=') return atol(at + length + 1);
    return otherwise;
}

static int state(void) {
    if (setting("lost", 0)) return LOST;
    return setting("bare", 0) ? NOT_SUPPORTED : 0;
}

static int answer(u32 *to, const char *key, long otherwise) {
    *to = setting(key, otherwise);
    return state();
}

int nvmlInitWithFlags(u32 flags) { return flags, setting("nodriver", 0) ? NO_DRIVER : 0; }
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) { return code == LOST ? "GPU is lost" : "some error"; }
int nvmlDeviceGetCount_v2(u32 *count) { return *count = setting("n", 2), 0; }
int nvmlDeviceGetHandleByIndex_v2(u32 index, device *to) {
    return *to = index + 1, setting("dead", -1) == (long)index ? LOST : 0;
}
int nvmlDeviceGetName(device gpu, char *to, u32 length) {
    return snprintf(to, length, "Fake GPU %d", (int)gpu - 1), 0;
}
struct memory { u64 total, free, used; };
int nvmlDeviceGetMemoryInfo(device gpu, struct memory *to) {
    to->total = 80ULL << 30, to->used = (u64)setting("used_mib", 1024) << 20;
    return to->free = to->total - to->used, gpu ? state() : 2;
}
#ifdef WITH_V2
struct memory2 { u32 version; u64 total, reserved, free, used; };
int nvmlDeviceGetMemoryInfo_v2(device gpu, struct memory2 *to) {
    struct memory plain;
    int code = nvmlDeviceGetMemoryInfo(gpu, &plain);
    to->total = plain.total, to->used = plain.used, to->reserved = 0, to->free = plain.free;
    return code;
}
#endif
struct use { u32 gpu, memory; };
int nvmlDeviceGetUtilizationRates(device gpu, struct use *to) {
    return to->memory = 12, gpu ? answer(&to->gpu, "util", 37) : 2;
}
int nvmlDeviceGetPowerUsage(device gpu, u32 *to) { return gpu ? answer(to, "mw", 250000) : 2; }
int nvmlDeviceGetEnforcedPowerLimit(device gpu, u32 *to) { return gpu ? answer(to, "x", 700000) : 2; }
#ifdef WITH_V2
struct degrees { u32 version; int sensor, value; };
int nvmlDeviceGetTemperatureV(device gpu, struct degrees *to) {
    return to->value = setting("temp", 61) + 1, gpu ? state() : 2;
}
#endif
int nvmlDeviceGetTemperature(device gpu, int sensor, u32 *to) {
    return sensor || !gpu ? 2 : answer(to, "temp", 61);
}
int nvmlDeviceGetClockInfo(device gpu, int type, u32 *to) {
    return gpu && type == 1 ? answer(to, "sm", 1980) : 2;
}
struct process { u32 pid; u64 used; u32 instance, compute; };
int nvmlDeviceGetComputeRunningProcesses_v3(device gpu, u32 *count, struct process *to) {
    u32 running = setting("procs", 1), room = *count;
    *count = running;
    if (!gpu || state()) return gpu ? state() : 2;
    if (room < running) return TOO_SMALL;
    for (u32 i = 0; i < running; i++) to[i] = (struct process){setting("pid", 1000) + i, 512ULL << 20, -1, -1};
    return 0;
}
int nvmlDeviceGetMigMode(device gpu, u32 *now, u32 *later) {
    *now = *later = setting("mig", 0) > 0;
    return gpu ? state() : 2;
}
int nvmlDeviceGetMaxMigDeviceCount(device gpu, u32 *count) { return gpu ? answer(count, "mig", 0) : 2; }
int nvmlDeviceGetMigDeviceHandleByIndex(device gpu, u32 index, device *to) {
    return *to = gpu, index < setting("mig", 0) ? 0 : 6;
}
