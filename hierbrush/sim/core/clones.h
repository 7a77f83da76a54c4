/* One binary, two instruction sets: the loader picks the clone that the machine can run. setup.py defines HB_TARGET_CLONES
 * only where a probe compiled and ran. What a clone calls must be part of it, or it would be compiled for the lesser set. */
#ifndef HIERBRUSH_CLONES_H
#define HIERBRUSH_CLONES_H

#ifdef HB_TARGET_CLONES
#define HB_CLONES __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define HB_CLONES
#endif

#ifdef __GNUC__
#define HB_INLINE static inline __attribute__((always_inline))
#else
#define HB_INLINE static inline
#endif

#endif
