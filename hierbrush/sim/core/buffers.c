#include "buffers.h"

#include <stdlib.h>
#include <string.h>

#include "brush.h"

enum { LONGEST_NAME = 31 };

int hb_wrong(const char *names, const char *what)
{
    PyErr_Format(PyExc_ValueError, "%s: %s", names, what);
    return -1;
}

/* 64-bit integers are 'l' or 'q' by platform; both mean the same bytes here. */
static int same_format(const char *got, const char *want)
{
    if (strcmp(got, want) == 0)
        return 1;
    return (strcmp(want, "l") == 0 && strcmp(got, "q") == 0) || (strcmp(want, "L") == 0 && strcmp(got, "Q") == 0);
}

int hb_hold(PyObject *object, Py_buffer *buffer, const char *name, const char *format, int writable)
{
    if (PyObject_GetBuffer(object, buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0)) != 0) {
        PyErr_Clear();
        return hb_wrong(name, writable ? "must be a C-contiguous array that can be written to" : "must be a C-contiguous array");
    }
    const char *got = buffer->format ? buffer->format : "B";
    if (!same_format(got, format))
        PyErr_Format(PyExc_ValueError, "%s: element format '%s', expected '%s'", name, got, format);
    else if ((uintptr_t)buffer->buf % (uintptr_t)buffer->itemsize != 0)
        hb_wrong(name, "must be an aligned array");
    else
        return 0;
    PyBuffer_Release(buffer);
    return -1;
}

static void release(hb_arrays *held)
{
    while (held->count > 0)
        PyBuffer_Release(&held->of[--held->count]);
    free(held->scratch);
    held->scratch = NULL;
}

int hb_take(hb_arrays *held, PyObject *const *objects, const char *const *specs, int count)
{
    for (int i = 0; i < count; i++) {
        const char *mark = strpbrk(specs[i], ":>");
        char name[LONGEST_NAME + 1] = {0};
        memcpy(name, specs[i], (size_t)(mark - specs[i]));
        if (hb_hold(objects[i], &held->of[held->count], name, mark + 1, *mark == '>')) {
            release(held);
            return -1;
        }
        held->count++;
    }
    return 0;
}

int64_t hb_elements(const hb_arrays *held, int index) { return held->of[index].len / held->of[index].itemsize; }

void *hb_scratch(hb_arrays *held, size_t bytes)
{
    held->scratch = malloc(bytes ? bytes : 1);
    if (held->scratch)
        return held->scratch;
    release(held);
    return PyErr_NoMemory();
}

PyObject *hb_done(hb_arrays *held)
{
    release(held);
    Py_RETURN_NONE;
}

PyObject *hb_drop(hb_arrays *held)
{
    release(held);
    return NULL;
}

PyObject *hb_refuse(hb_arrays *held, const char *names, const char *what)
{
    hb_wrong(names, what);
    return hb_drop(held);
}

int hb_bad_size(int columns, int rows)
{
    if (columns >= 1 && rows >= 1 && columns <= HB_MAX_SAMPLES && rows <= HB_MAX_SAMPLES)
        return 0;
    PyErr_Format(PyExc_ValueError, "columns, rows: %d x %d, expected 1 to %d each", columns, rows, HB_MAX_SAMPLES);
    return -1;
}
