/** @file kernel.h
 *  Loops over arrays that compilers vectorise.
 */
#ifndef PC_KERNEL_H
#define PC_KERNEL_H

/** Before a function of such loops: it is made twice, for any x86-64-v2 and for processors with
 *  AVX2, and the loader takes what the processor has. Of integers only: the same result.
 *  Not with sanitizers, which cannot run before the loader is done. */
#ifdef PC_KERNEL // a test says how they are made
#elif defined(__x86_64__) && defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
#define PC_KERNEL __attribute__((target_clones("avx2", "default")))
#else
#define PC_KERNEL
#endif

#endif
