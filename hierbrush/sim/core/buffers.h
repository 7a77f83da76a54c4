/* Arrays that Python hands to one call: held and checked before the core reads or writes them. Limited C API, no NumPy headers. */
#ifndef HIERBRUSH_BUFFERS_H
#define HIERBRUSH_BUFFERS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

typedef struct {
    Py_buffer *of; /* the caller's, as many as it takes */
    int count;     /* held so far */
    void *scratch; /* memory of the call, freed with them */
} hb_arrays;

/* The variables of a call that takes arrays: the objects given, what is known of each, and `held`. */
#define HB_HELD(most)        \
    PyObject *objects[most]; \
    Py_buffer buffers[most]; \
    hb_arrays held = {buffers, 0, NULL}

/* Set ValueError "names: what"; return -1. */
int hb_wrong(const char *names, const char *what);

/* Hold one aligned C-contiguous array of a struct format; nothing is held and -1 returned, with an error set, if it is none. */
int hb_hold(PyObject *object, Py_buffer *buffer, const char *name, const char *format, int writable);

/* Hold `count` more arrays, each told as "name:format", or "name>format" if it is written to. None is held if one is wrong. */
int hb_take(hb_arrays *held, PyObject *const *objects, const char *const *specs, int count);

int64_t hb_elements(const hb_arrays *held, int index);

/* Return memory for the length of the call, or release everything and set MemoryError. */
void *hb_scratch(hb_arrays *held, size_t bytes);

/* Release everything: return None, or NULL for an error that is set, or set ValueError "names: what" and return NULL. */
PyObject *hb_done(hb_arrays *held);
PyObject *hb_drop(hb_arrays *held);
PyObject *hb_refuse(hb_arrays *held, const char *names, const char *what);

/* Whether a raster is none that the core takes; the error is set. */
int hb_bad_size(int columns, int rows);

#endif
