/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A card that stalls: as long as the file $SEALCAM_STALL is there, fdatasync() does not return. Loaded with LD_PRELOAD.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int fd)
{
    static int (*real)(int);
    const char *gate = getenv("SEALCAM_STALL");

    while (gate && access(gate, F_OK) == 0)
        usleep(20000);
    if (!real)
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    return real(fd);
}
