/* The Python face of ink.c: limited C API, buffer protocol. Sizes are checked here, so that no call reads or writes past an
 * array; Python checks values and gives the friendlier messages. */
#include "ink_binding.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "brush.h"
#include "ink.h"

enum { MOST_ARRAYS = 6 };

typedef struct {
    int count;
    Py_buffer of[MOST_ARRAYS];
} arrays;

static void release(arrays *held)
{
    while (held->count > 0)
        PyBuffer_Release(&held->of[--held->count]);
}

static int refuse(arrays *held, const char *names, const char *what)
{
    release(held);
    PyErr_Format(PyExc_ValueError, "%s: %s", names, what);
    return -1;
}

/* Hold arrays; a capital format is one that is written to. */
static int take(arrays *held, PyObject *const *objects, const char *const *names, const char *formats)
{
    held->count = 0;
    for (int i = 0; formats[i]; i++) {
        char format[2] = {(char)(formats[i] | 32), 0};
        int writable = formats[i] < 'a';
        Py_buffer *buffer = &held->of[i];
        if (PyObject_GetBuffer(objects[i], buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0)) != 0) {
            PyErr_Clear();
            return refuse(held, names[i], "must be a C-contiguous array of the documented type");
        }
        held->count++;
        if (!buffer->format || strcmp(buffer->format, format) != 0 || (uintptr_t)buffer->buf % (uintptr_t)buffer->itemsize != 0)
            return refuse(held, names[i], writable ? "must be a writable, aligned array of the documented type"
                                                   : "must be an aligned array of the documented type");
    }
    return 0;
}

static int64_t elements(const arrays *held, int i) { return held->of[i].len / held->of[i].itemsize; }

static PyObject *done(arrays *held)
{
    release(held);
    Py_RETURN_NONE;
}

static PyObject *ink_follow(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *objects[5];
    double spacing;
    if (!PyArg_ParseTuple(args, "OOOdOO", &objects[0], &objects[1], &objects[2], &spacing, &objects[3], &objects[4]))
        return NULL;
    static const char *const names[] = {"path", "speed", "params", "state", "out"};
    arrays held;
    if (take(&held, objects, names, "dddDD"))
        return NULL;
    int64_t rows = elements(&held, 1), made;
    if (elements(&held, 0) != 3 * rows || (elements(&held, 2) != HB_PARAMS && elements(&held, 2) != HB_PARAMS + HB_NETWORK) || elements(&held, 3) != HB_FOLLOW
        || elements(&held, 4) % HB_STAMP || !(spacing > 0.0)) {
        refuse(&held, "path, speed, params, spacing, state, out", "sizes that do not fit");
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    const double *params = held.of[2].buf, *network = elements(&held, 2) > HB_PARAMS ? params + HB_PARAMS : NULL;
    made = hb_ink_follow(held.of[0].buf, held.of[1].buf, rows, params, network, spacing, held.of[3].buf, held.of[4].buf,
                         elements(&held, 4) / HB_STAMP);
    Py_END_ALLOW_THREADS
    if (made < 0) {
        refuse(&held, "out", "too small for the stamps");
        return NULL;
    }
    release(&held);
    return PyLong_FromLongLong(made);
}

static PyObject *ink_drag(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *objects[MOST_ARRAYS + 1];
    hb_ink k = {0};
    if (!PyArg_ParseTuple(args, "OOdfOOOOOii", &objects[0], &objects[1], &k.per_metre, &k.back, &objects[2], &objects[3], &objects[4],
                          &objects[5], &objects[6], &k.columns, &k.rows))
        return NULL;
    static const char *const names[] = {"stamps", "footprint", "numbers", "hair", "paper", "bundle"}, *const last[] = {"film"};
    arrays held, film;
    if (take(&held, objects, names, "dffffF"))
        return NULL;
    if (take(&film, objects + MOST_ARRAYS, last, "F")) {
        release(&held);
        return NULL;
    }
    int64_t cells = (int64_t)k.columns * k.rows, vertices = elements(&held, 1) / 2;
    k.hair_rows = elements(&held, 3) / (2 * HB_HAIRS);
    const float *bundle = held.of[5].buf;
    if (k.columns < 1 || k.rows < 1 || k.columns > HB_MAX_SAMPLES || k.rows > HB_MAX_SAMPLES || vertices < 3
        || vertices > HB_MAX_VERTICES || elements(&held, 1) != 2 * vertices || elements(&held, 0) % HB_STAMP
        || elements(&held, 2) != HB_INK || k.hair_rows < 1 || elements(&held, 3) != k.hair_rows * 2 * HB_HAIRS
        || elements(&held, 4) != cells || elements(&held, 5) != HB_BUNDLE || elements(&film, 0) != cells) {
        release(&film);
        refuse(&held, "stamps, footprint, numbers, hair, paper, bundle, film", "sizes that do not fit");
        return NULL;
    }
    const float *numbers = held.of[2].buf;
    const double *stamps = held.of[0].buf;
    double far = 0.0; /* travelled is an index into `hair` later on */
    for (int64_t i = HB_STAMP_STEP; i < elements(&held, 0); i += HB_STAMP)
        far += fabs(stamps[i]);
    if (!(fabs((bundle[HB_TRAVELLED] + far * numbers[HB_INK_MM]) * numbers[HB_INK_ALONG]) < 1e9) || !(bundle[HB_TRAVELLED] >= 0.0f)
        || !(numbers[HB_INK_ALONG] >= 0.0f) || !(numbers[HB_INK_MM] >= 0.0f)) {
        release(&film);
        refuse(&held, "stamps, bundle", "travel too far");
        return NULL;
    }
    k.vertices = (int32_t)vertices;
    k.footprint = held.of[1].buf;
    k.numbers = numbers;
    k.hair = held.of[3].buf;
    k.paper = held.of[4].buf;
    k.bundle = held.of[5].buf;
    k.film = film.of[0].buf;
    Py_BEGIN_ALLOW_THREADS
    hb_ink_drag(&k, stamps, elements(&held, 0) / HB_STAMP);
    Py_END_ALLOW_THREADS
    release(&film);
    return done(&held);
}

static PyObject *ink_paper(PyObject *module, PyObject *args)
{
    (void)module;
    unsigned long long seed;
    int columns, rows;
    double left, top, pitch, waves[2];
    float share;
    PyObject *object;
    if (!PyArg_ParseTuple(args, "KiidddddfO", &seed, &columns, &rows, &left, &top, &pitch, &waves[0], &waves[1], &share, &object))
        return NULL;
    static const char *const names[] = {"out"};
    arrays held;
    if (take(&held, &object, names, "F"))
        return NULL;
    int fits = columns >= 1 && rows >= 1 && columns <= HB_MAX_SAMPLES && rows <= HB_MAX_SAMPLES && pitch > 0.0 && fabs(left) < 1e6
               && fabs(top) < 1e6;
    for (int i = 0; i < 2; i++)
        fits = fits && waves[i] >= 0.01 && waves[i] <= 1e6 && pitch / waves[i] <= 64.0;
    if (!fits || elements(&held, 0) != (int64_t)columns * rows) {
        refuse(&held, "columns, rows, left, top, pitch, waves, out", "numbers that do not fit");
        return NULL;
    }
    int64_t many = 0;
    for (int i = 0; i < 2; i++)
        many = many > hb_ink_lattice(columns, pitch, waves[i]) ? many : hb_ink_lattice(columns, pitch, waves[i]);
    float *scratch = malloc(sizeof(float) * 2 * (size_t)many);
    if (!scratch) {
        release(&held);
        return PyErr_NoMemory();
    }
    Py_BEGIN_ALLOW_THREADS
    hb_ink_paper(seed, columns, rows, left, top, pitch, waves, share, held.of[0].buf, scratch);
    Py_END_ALLOW_THREADS
    free(scratch);
    return done(&held);
}

static PyObject *ink_spread(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *objects[5];
    int columns, rows, steps;
    if (!PyArg_ParseTuple(args, "iiiOOOOO", &columns, &rows, &steps, &objects[0], &objects[1], &objects[2], &objects[3], &objects[4]))
        return NULL;
    static const char *const names[] = {"numbers", "passing", "pinned", "water", "pigment"};
    arrays held;
    if (take(&held, objects, names, "fffFF"))
        return NULL;
    int64_t cells = (int64_t)columns * rows;
    int fits = columns >= 1 && rows >= 1 && columns <= HB_MAX_SAMPLES && rows <= HB_MAX_SAMPLES && steps >= 0
               && elements(&held, 0) == HB_SPREAD;
    for (int i = 1; i < 5; i++)
        fits = fits && elements(&held, i) == cells;
    if (!fits) {
        refuse(&held, "columns, rows, steps, numbers, passing, pinned, water, pigment", "sizes that do not fit");
        return NULL;
    }
    float *scratch = malloc(sizeof(float) * 5 * (size_t)cells);
    if (!scratch) {
        release(&held);
        return PyErr_NoMemory();
    }
    int interrupted = 0;
    for (int at = 0; at < steps && !interrupted; at += 16) {
        Py_BEGIN_ALLOW_THREADS
        hb_ink_spread(columns, rows, steps - at < 16 ? steps - at : 16, held.of[0].buf, held.of[1].buf, held.of[2].buf,
                      held.of[3].buf, held.of[4].buf, scratch);
        Py_END_ALLOW_THREADS
        interrupted = PyErr_CheckSignals();
    }
    free(scratch);
    release(&held);
    if (interrupted)
        return NULL;
    Py_RETURN_NONE;
}

PyMethodDef HB_INK_METHODS[] = {
    {"ink_follow", ink_follow, METH_VARARGS, "ink_follow(path, speed, params, spacing, state, out): record a movement."},
    {"ink_drag", ink_drag, METH_VARARGS,
     "ink_drag(stamps, footprint, per_metre, back, numbers, hair, paper, bundle, film, columns, rows)"},
    {"ink_paper", ink_paper, METH_VARARGS, "ink_paper(seed, columns, rows, left, top, pitch, fine, coarse, share, out)"},
    {"ink_spread", ink_spread, METH_VARARGS, "ink_spread(columns, rows, steps, numbers, passing, pinned, water, pigment)"},
    {NULL, NULL, 0, NULL},
};
