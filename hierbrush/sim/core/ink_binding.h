/* The Python face of ink.c: functions that `_core` adds to its own. */
#ifndef HIERBRUSH_INK_BINDING_H
#define HIERBRUSH_INK_BINDING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern PyMethodDef HB_INK_METHODS[];

#endif
