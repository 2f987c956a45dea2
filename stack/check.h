/* check.h: our own broken promises.
 *
 * CHECK stays on in release.  It never guards against input: network nonsense
 * is counted and dropped, the caller's mistakes are error codes.  The program
 * that links this code supplies check_failed, which reports how to reproduce
 * (scenario, seed, virtual time) and does not return. */
#ifndef MIST_CHECK_H
#define MIST_CHECK_H

_Noreturn void check_failed(const char *condition, const char *file, int line);

#define CHECK(condition) ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

#endif
