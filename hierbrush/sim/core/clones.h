/* One binary, two instruction sets: the loader picks the clone that the machine can run. setup.py defines HB_TARGET_CLONES
 * only where a probe compiled, ran and agreed with plain C. */
#ifndef HIERBRUSH_CLONES_H
#define HIERBRUSH_CLONES_H

#ifdef HB_TARGET_CLONES
#define HB_CLONES __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define HB_CLONES
#endif

#endif
