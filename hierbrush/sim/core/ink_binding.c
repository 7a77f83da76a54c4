/* The Python face of ink.c. Sizes are checked here, so that no call reads or writes past an array; Python checks values and
 * gives the friendlier messages. */
#include "ink_binding.h"

#include <math.h>

#include "brush.h"
#include "buffers.h"
#include "ink.h"

static PyObject *ink_follow(PyObject *module, PyObject *args)
{
    (void)module;
    HB_HELD(5);
    static const char *const specs[] = {"path:d", "speed:d", "params:d", "state>d", "out>d"};
    double spacing;
    if (!PyArg_ParseTuple(args, "OOOdOO", &objects[0], &objects[1], &objects[2], &spacing, &objects[3], &objects[4])
        || hb_take(&held, objects, specs, 5))
        return NULL;
    int64_t rows = hb_elements(&held, 1), given = hb_elements(&held, 2), room = hb_elements(&held, 4) / HB_STAMP, made;
    if (hb_elements(&held, 0) != 3 * rows || (given != HB_PARAMS && given != HB_PARAMS + HB_NETWORK)
        || hb_elements(&held, 3) != HB_FOLLOW || hb_elements(&held, 4) % HB_STAMP || !(spacing > 0.0))
        return hb_refuse(&held, "path, speed, params, spacing, state, out", "sizes that do not fit");
    Py_BEGIN_ALLOW_THREADS
    const double *params = buffers[2].buf, *network = given > HB_PARAMS ? params + HB_PARAMS : NULL;
    made = hb_ink_follow(buffers[0].buf, buffers[1].buf, rows, params, network, spacing, buffers[3].buf, buffers[4].buf, room);
    Py_END_ALLOW_THREADS
    if (made < 0)
        return hb_refuse(&held, "out", "too small for the stamps");
    Py_XDECREF(hb_done(&held));
    return PyLong_FromLongLong(made);
}

static PyObject *ink_drag(PyObject *module, PyObject *args)
{
    (void)module;
    HB_HELD(7);
    static const char *const specs[] = {"stamps:d", "footprint:f", "numbers:f", "hair:f", "paper:f", "bundle>f", "film>f"};
    hb_ink k = {0};
    if (!PyArg_ParseTuple(args, "OOdfOOOOOii", &objects[0], &objects[1], &k.per_metre, &k.back, &objects[2], &objects[3], &objects[4],
                          &objects[5], &objects[6], &k.columns, &k.rows)
        || hb_bad_size(k.columns, k.rows) || hb_take(&held, objects, specs, 7))
        return NULL;
    int64_t cells = (int64_t)k.columns * k.rows, vertices = hb_elements(&held, 1) / 2;
    k.hair_rows = hb_elements(&held, 3) / (2 * HB_HAIRS);
    if (vertices < 3 || vertices > HB_MAX_VERTICES || hb_elements(&held, 1) != 2 * vertices || hb_elements(&held, 0) % HB_STAMP
        || hb_elements(&held, 2) != HB_INK || k.hair_rows < 1 || hb_elements(&held, 3) != k.hair_rows * 2 * HB_HAIRS
        || hb_elements(&held, 4) != cells || hb_elements(&held, 5) != HB_BUNDLE || hb_elements(&held, 6) != cells)
        return hb_refuse(&held, "stamps, footprint, numbers, hair, paper, bundle, film", "sizes that do not fit");
    k.vertices = (int32_t)vertices;
    k.footprint = buffers[1].buf;
    k.numbers = buffers[2].buf;
    k.hair = buffers[3].buf;
    k.paper = buffers[4].buf;
    k.bundle = buffers[5].buf;
    k.film = buffers[6].buf;
    const double *stamps = buffers[0].buf;
    double far = 0.0; /* travelled is an index into `hair` later on */
    for (int64_t i = HB_STAMP_STEP; i < hb_elements(&held, 0); i += HB_STAMP)
        far += fabs(stamps[i]);
    if (!(fabs((k.bundle[HB_TRAVELLED] + far * k.numbers[HB_INK_MM]) * k.numbers[HB_INK_ALONG]) < 1e9)
        || !(k.bundle[HB_TRAVELLED] >= 0.0f) || !(k.numbers[HB_INK_ALONG] >= 0.0f) || !(k.numbers[HB_INK_MM] >= 0.0f))
        return hb_refuse(&held, "stamps, bundle", "travel too far");
    Py_BEGIN_ALLOW_THREADS
    hb_ink_drag(&k, stamps, hb_elements(&held, 0) / HB_STAMP);
    Py_END_ALLOW_THREADS
    return hb_done(&held);
}

static PyObject *ink_paper(PyObject *module, PyObject *args)
{
    (void)module;
    HB_HELD(1);
    static const char *const specs[] = {"out>f"};
    unsigned long long seed;
    int columns, rows;
    double left, top, pitch, waves[2];
    float share;
    if (!PyArg_ParseTuple(args, "KiidddddfO", &seed, &columns, &rows, &left, &top, &pitch, &waves[0], &waves[1], &share, &objects[0])
        || hb_bad_size(columns, rows) || hb_take(&held, objects, specs, 1))
        return NULL;
    int fits = pitch > 0.0 && fabs(left) < 1e6 && fabs(top) < 1e6;
    for (int i = 0; i < 2; i++)
        fits = fits && waves[i] >= 0.01 && waves[i] <= 1e6 && pitch / waves[i] <= 64.0;
    if (!fits || hb_elements(&held, 0) != (int64_t)columns * rows)
        return hb_refuse(&held, "left, top, pitch, waves, out", "numbers that do not fit");
    int64_t many = 0;
    for (int i = 0; i < 2; i++)
        many = many > hb_ink_lattice(columns, pitch, waves[i]) ? many : hb_ink_lattice(columns, pitch, waves[i]);
    float *scratch = hb_scratch(&held, sizeof(float) * 2 * (size_t)many);
    if (!scratch)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    hb_ink_paper(seed, columns, rows, left, top, pitch, waves, share, buffers[0].buf, scratch);
    Py_END_ALLOW_THREADS
    return hb_done(&held);
}

static PyObject *ink_spread(PyObject *module, PyObject *args)
{
    (void)module;
    HB_HELD(5);
    static const char *const specs[] = {"numbers:f", "passing:f", "pinned:f", "water>f", "pigment>f"};
    int columns, rows, steps;
    if (!PyArg_ParseTuple(args, "iiiOOOOO", &columns, &rows, &steps, &objects[0], &objects[1], &objects[2], &objects[3], &objects[4])
        || hb_bad_size(columns, rows) || hb_take(&held, objects, specs, 5))
        return NULL;
    int64_t cells = (int64_t)columns * rows;
    int fits = steps >= 0 && hb_elements(&held, 0) == HB_SPREAD;
    for (int i = 1; i < 5; i++)
        fits = fits && hb_elements(&held, i) == cells;
    if (!fits)
        return hb_refuse(&held, "steps, numbers, passing, pinned, water, pigment", "sizes that do not fit");
    float *scratch = hb_scratch(&held, sizeof(float) * 5 * (size_t)cells);
    if (!scratch)
        return NULL;
    int interrupted = 0;
    for (int at = 0; at < steps && !interrupted; at += 16) {
        Py_BEGIN_ALLOW_THREADS
        hb_ink_spread(columns, rows, steps - at < 16 ? steps - at : 16, buffers[0].buf, buffers[1].buf, buffers[2].buf,
                      buffers[3].buf, buffers[4].buf, scratch);
        Py_END_ALLOW_THREADS
        interrupted = PyErr_CheckSignals();
    }
    PyObject *none = hb_done(&held);
    if (!interrupted)
        return none;
    Py_DECREF(none);
    return NULL;
}

PyMethodDef HB_INK_METHODS[] = {
    {"ink_follow", ink_follow, METH_VARARGS, "ink_follow(path, speed, params, spacing, state, out): record a movement."},
    {"ink_drag", ink_drag, METH_VARARGS,
     "ink_drag(stamps, footprint, per_metre, back, numbers, hair, paper, bundle, film, columns, rows)"},
    {"ink_paper", ink_paper, METH_VARARGS, "ink_paper(seed, columns, rows, left, top, pitch, fine, coarse, share, out)"},
    {"ink_spread", ink_spread, METH_VARARGS, "ink_spread(columns, rows, steps, numbers, passing, pinned, water, pigment)"},
    {NULL, NULL, 0, NULL},
};
