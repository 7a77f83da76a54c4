/* The Python face of the core: limited C API, buffer protocol, no NumPy headers.
 *
 * `Batch(arrays, numbers)` holds a buffer of every array for its whole life, so the memory under a running step cannot be
 * resized or freed. Sizes and formats are checked once, here; Python checks values and gives the friendlier messages.
 */
#include "buffers.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "brush.h"
#include "ink_binding.h"

typedef struct {
    const char *name;
    const char *format;  /* struct format of an element */
    int share;           /* elements of a slot or, in a bank, of a goal; 0 where that is open */
    int writable;
    size_t field;        /* offset of the pointer in hb_batch */
} array_spec;

#define AT(field) offsetof(hb_batch, field)
#define GOALS(field) (offsetof(hb_batch, goals) + offsetof(hb_goals, field))

enum {
    PARAMS, FOOTPRINT, NOISE, WINDOW, POSE, ROOT, DIRECTION, TUFT, MOVED, MIDWAY, DRIFT, COMMAND, INK, DRAWS, COUNTS, GOAL, TICK,
    TARGET, ACTION, OBSERVATION, GOAL_WINDOW, GOAL_TICKS, GOAL_AREA, MASK_OFFSET, DISTANCE_OFFSET, TRACK_OFFSET, MASK, DISTANCE, TRACK,
    WANTED, NETWORK, ARRAYS
};

static const array_spec SPECS[ARRAYS] = {
    [PARAMS] = {"params", "d", HB_PARAMS, 0, AT(params)},
    [FOOTPRINT] = {"footprint", "f", 0, 0, AT(footprint)},
    [NOISE] = {"noise", "d", HB_NOISE, 0, AT(noise)},
    [WINDOW] = {"window", "i", 4, 1, AT(window)},
    [POSE] = {"pose", "d", 3, 1, AT(pose)},
    [ROOT] = {"root", "d", 2, 1, AT(root)},
    [DIRECTION] = {"direction", "d", 2, 1, AT(direction)},
    [TUFT] = {"tuft", "d", 3, 1, AT(tuft)},
    [MOVED] = {"moved", "d", 3, 1, AT(moved)},
    [MIDWAY] = {"midway", "d", 3, 1, AT(midway)},
    [DRIFT] = {"drift", "d", 3, 1, AT(drift)},
    [COMMAND] = {"command", "d", 9, 1, AT(command)},
    [INK] = {"ink", "L", 0, 1, AT(ink)},
    [DRAWS] = {"draws", "L", 1, 1, AT(draws)},
    [COUNTS] = {"counts", "i", HB_COUNTS, 1, AT(counts)},
    [GOAL] = {"goal", "i", 1, 1, AT(goal)},
    [TICK] = {"tick", "i", 1, 1, AT(tick)},
    [TARGET] = {"target", "d", 3, 0, AT(target)},
    [ACTION] = {"action", "f", 3, 0, AT(action)},
    [OBSERVATION] = {"observation", "f", 0, 1, AT(observation)},
    [GOAL_WINDOW] = {"goal_window", "i", 4, 0, GOALS(window)},
    [GOAL_TICKS] = {"goal_ticks", "i", 1, 0, GOALS(ticks)},
    [GOAL_AREA] = {"goal_area", "i", 1, 0, GOALS(area)},
    [MASK_OFFSET] = {"mask_offset", "l", 1, 0, GOALS(mask_offset)},
    [DISTANCE_OFFSET] = {"distance_offset", "l", 1, 0, GOALS(distance_offset)},
    [TRACK_OFFSET] = {"track_offset", "l", 1, 0, GOALS(track_offset)},
    [MASK] = {"mask", "L", 0, 0, GOALS(mask)},
    [DISTANCE] = {"distance", "b", 0, 0, GOALS(distance)},
    [TRACK] = {"track", "d", 0, 0, GOALS(track)},
    [WANTED] = {"wanted", "L", 0, 0, AT(wanted)},
    [NETWORK] = {"network", "d", 0, 0, AT(network)},
};

typedef struct {
    PyObject_HEAD
    hb_batch batch;
    Py_buffer buffers[ARRAYS];
    int held;
} Batch;

static int64_t elements(const Batch *self, int index)
{
    return self->held >> index & 1 ? self->buffers[index].len / self->buffers[index].itemsize : 0;
}

static int hold(Batch *self, PyObject *arrays)
{
    for (int i = 0; i < ARRAYS; i++) {
        const array_spec *spec = &SPECS[i];
        PyObject *array = PyDict_GetItemString(arrays, spec->name);
        if (!array || array == Py_None) {
            if (i >= GOAL_WINDOW)
                continue;
            return hb_wrong(spec->name, "missing from the arrays");
        }
        if (hb_hold(array, &self->buffers[i], spec->name, spec->format, spec->writable))
            return -1;
        self->held |= 1 << i;
        memcpy((char *)&self->batch + spec->field, &self->buffers[i].buf, sizeof(void *));
    }
    return 0;
}

static int sized(const Batch *self, int index, int64_t expected)
{
    if (elements(self, index) == expected)
        return 0;
    PyErr_Format(PyExc_ValueError, "%s: %lld elements, expected %lld", SPECS[index].name, (long long)elements(self, index),
                 (long long)expected);
    return -1;
}

/* Whether an array of `first` to `last` with a share has another size than `count` of them. */
static int missized(const Batch *self, int first, int last, int64_t count)
{
    for (int i = first; i <= last; i++)
        if (SPECS[i].share && sized(self, i, SPECS[i].share * count))
            return 1;
    return 0;
}

static int64_t window_words(const int32_t *window, int32_t supersample)
{
    return (int64_t)((window[2] * supersample + 63) >> 6) * window[3] * supersample;
}

static int window_fits(const int32_t *window, int32_t supersample)
{
    const int32_t most = HB_MAX_SAMPLES / supersample, far = 1 << 20;
    return window[2] >= 2 && window[3] >= 2 && window[2] <= most && window[3] <= most && window[0] > -far && window[0] < far
           && window[1] > -far && window[1] < far;
}

/* What is wrong with an array; no name where nothing is. */
typedef struct {
    const char *name, *what;
} complaint;

static const complaint NOTHING = {NULL, NULL};

static int within(int64_t offset, int64_t length, int64_t size)
{
    return offset >= 0 && length <= size && offset <= size - length;
}

static complaint check_goal(const Batch *self, int64_t goal)
{
    const hb_batch *b = &self->batch;
    const hb_goals *g = &b->goals;
    const int32_t *window = g->window + 4 * goal;
    if (!window_fits(window, b->supersample))
        return (complaint){"goal_window", "a window lies beyond 2 to 4096 samples a side"};
    if (g->ticks[goal] < 1)
        return (complaint){"goal_ticks", "an episode needs at least 1 tick"};
    if (!within(g->mask_offset[goal], window_words(window, b->supersample), elements(self, MASK)))
        return (complaint){"mask_offset", "points outside mask"};
    if (!within(g->distance_offset[goal], (int64_t)window[2] * window[3], elements(self, DISTANCE)))
        return (complaint){"distance_offset", "points outside distance"};
    if (!within(g->track_offset[goal], (int64_t)g->ticks[goal] + 1, elements(self, TRACK) / HB_TRACK))
        return (complaint){"track_offset", "points outside track"};
    return NOTHING;
}

/* Everything that a step will index by. Asked anew for every block of slots, the goals they follow included: NumPy may have
 * written to the arrays since. What another thread writes while a block runs is beyond any check; batch.py sees to it that none does. */
static complaint check_slots(const Batch *self, int64_t lo, int64_t hi)
{
    const hb_batch *b = &self->batch;
    for (int64_t slot = lo; slot < hi; slot++) {
        const int32_t *window = b->window + 4 * slot;
        if (!window_fits(window, b->supersample))
            return (complaint){"window", "a window lies beyond 2 to 4096 samples a side"};
        if (window_words(window, b->supersample) > b->ink_stride)
            return (complaint){"window", "larger than the paper allotted to a slot"};
        if (b->goals.track) {
            int32_t goal = b->goal[slot];
            if (goal < 0 || goal >= b->goals.count)
                return (complaint){"goal", "index outside the bank"};
            complaint found = check_goal(self, goal);
            if (found.name)
                return found;
            if (memcmp(window, b->goals.window + 4 * goal, 4 * sizeof(int32_t)) != 0)
                return (complaint){"window", "differs from the goal's window; a goal that was replaced must be assigned anew"};
            if (b->tick[slot] < 0 || b->tick[slot] > b->goals.ticks[goal])
                return (complaint){"tick", "outside the goal's episode"};
        }
    }
    return NOTHING;
}

/* A kernel that writes one array must not thereby move another's indices. */
static int check_apart(const Batch *self)
{
    for (int i = 0; i < ARRAYS; i++) {
        if (!(self->held >> i & 1) || !SPECS[i].writable)
            continue;
        uintptr_t start = (uintptr_t)self->buffers[i].buf, end = start + (size_t)self->buffers[i].len;
        for (int j = 0; j < ARRAYS; j++) {
            uintptr_t other = (uintptr_t)self->buffers[j].buf;
            if (j == i || !(self->held >> j & 1) || other >= end || start >= other + (size_t)self->buffers[j].len)
                continue;
            PyErr_Format(PyExc_ValueError, "%s: shares memory with %s", SPECS[i].name, SPECS[j].name);
            return -1;
        }
    }
    return 0;
}

static int positive(double value) { return value > 0.0 && value < HUGE_VAL; }

static int check(Batch *self)
{
    hb_batch *b = &self->batch;
    int64_t n = elements(self, GOAL);
    b->slots = n;
    if (n < 1)
        return hb_wrong("goal", "at least 1 slot is needed");
    int64_t vertices = elements(self, FOOTPRINT) / 2;
    b->vertices = vertices < HB_MAX_VERTICES + 1 ? (int32_t)vertices : HB_MAX_VERTICES + 1;
    if (b->vertices < 8 || b->vertices > HB_MAX_VERTICES || b->vertices % 8 != 0)
        return hb_wrong("footprint", "needs 8, 16, 24 ... or 64 vertices");
    b->ink_stride = elements(self, INK) / n;
    int64_t columns = elements(self, OBSERVATION) / n;
    b->observation_size = columns <= HB_OBS_FULL ? (int32_t)columns : -1;
    if (b->observation_size != 0 && b->observation_size != HB_OBS_TRACK && b->observation_size != HB_OBS_FULL)
        return hb_wrong("observation", "a width that is none of the layouts");
    if (missized(self, PARAMS, OBSERVATION, n) || sized(self, FOOTPRINT, 2 * b->vertices) || sized(self, INK, n * b->ink_stride)
        || sized(self, OBSERVATION, n * b->observation_size))
        return -1;
    if (b->supersample < 1 || b->supersample > 8)
        return hb_wrong("supersample", "must be 1 to 8");
    if (!positive(b->per_metre) || !positive(b->spacing) || !positive(b->unit) || !positive(b->reach))
        return hb_wrong("per_metre, spacing, unit, reach", "must be positive and finite");
    if (b->wanted && sized(self, WANTED, n * b->ink_stride))
        return -1;
    if (b->network && sized(self, NETWORK, HB_NETWORK))
        return -1;
    if (check_apart(self))
        return -1;
    if (b->goals.track) {
        int64_t count = elements(self, GOAL_TICKS);
        b->goals.count = count;
        for (int i = GOAL_WINDOW; i <= TRACK; i++)
            if (!(self->held >> i & 1))
                return hb_wrong(SPECS[i].name, "missing from the bank");
        if (count < 1)
            return hb_wrong("goal_ticks", "a bank needs at least 1 goal");
        if (missized(self, GOAL_WINDOW, TRACK, count))
            return -1;
        for (int64_t goal = 0; goal < count; goal++) {
            complaint found = check_goal(self, goal);
            if (found.name)
                return hb_wrong(found.name, found.what);
        }
    } else if (b->observation_size != 0) {
        return hb_wrong("observation", "needs a bank of goals");
    }
    return 0;
}

static void batch_dealloc(PyObject *object)
{
    Batch *self = (Batch *)object;
    PyTypeObject *type = Py_TYPE(object);
    for (int i = 0; i < ARRAYS; i++)
        if (self->held >> i & 1)
            PyBuffer_Release(&self->buffers[i]);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

static PyObject *batch_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"arrays", "supersample", "per_metre", "spacing", "unit", "reach", "max_move", "max_press", "lift_height",
                            "seed", NULL};
    PyObject *arrays;
    int supersample;
    double per_metre, spacing, unit, reach, max_move, max_press, lift_height;
    unsigned long long seed;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!idddddddK", names, &PyDict_Type, &arrays, &supersample, &per_metre,
                                     &spacing, &unit, &reach, &max_move, &max_press, &lift_height, &seed))
        return NULL;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Batch *self = (Batch *)allocate(type, 0);
    if (!self)
        return NULL;
    self->batch.supersample = supersample;
    self->batch.per_metre = per_metre;
    self->batch.spacing = spacing;
    self->batch.unit = unit;
    self->batch.reach = reach;
    self->batch.max_move = max_move;
    self->batch.max_press = max_press;
    self->batch.lift_height = lift_height;
    self->batch.seed = seed;
    if (hold(self, arrays) || check(self)) {
        Py_DECREF((PyObject *)self);
        return NULL;
    }
    return (PyObject *)self;
}

typedef int64_t (*kernel)(const hb_batch *, int64_t, int64_t);

/* Run a kernel over a range without the GIL, a block at a time, so that Ctrl-C is seen inside long calls. */
static PyObject *run(Batch *self, PyObject *args, kernel advance, int observe)
{
    /* Slots between looks for Ctrl-C; slots advanced and then observed, few enough to be in the cache the second time. */
    enum { BLOCK = 128, CACHED = 8 };
    long long lo, hi;
    if (!PyArg_ParseTuple(args, "LL", &lo, &hi))
        return NULL;
    if (lo < 0 || hi < lo || hi > self->batch.slots) {
        PyErr_Format(PyExc_ValueError, "lo, hi: range %lld to %lld, expected within 0 to %lld", lo, hi,
                     (long long)self->batch.slots);
        return NULL;
    }
    for (int64_t from = lo, to; from < hi; from = to) {
        complaint found;
        to = hi - from < BLOCK ? hi : from + BLOCK;
        Py_BEGIN_ALLOW_THREADS
        found = check_slots(self, from, to);
        for (int64_t at = from, next; !found.name && at < to; at = next) {
            next = to - at < CACHED ? to : at + CACHED;
            if (advance) {
                int64_t done = advance(&self->batch, at, next);
                to = done < next ? done : to; /* out of breath: see to Ctrl-C before going on */
                next = done;
            }
            if (observe)
                hb_observe(&self->batch, at, next);
        }
        Py_END_ALLOW_THREADS
        if (found.name) {
            hb_wrong(found.name, found.what);
            return NULL;
        }
        if (PyErr_CheckSignals())
            return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *batch_step(PyObject *self, PyObject *args) { return run((Batch *)self, args, hb_step, 0); }

static PyObject *batch_command(PyObject *self, PyObject *args) { return run((Batch *)self, args, hb_command, 0); }

static PyObject *batch_track(PyObject *self, PyObject *args)
{
    const hb_batch *b = &((Batch *)self)->batch;
    if (!b->goals.track) {
        PyErr_SetString(PyExc_ValueError, "goal_window: this batch has no bank of goals to follow");
        return NULL;
    }
    return run((Batch *)self, args, hb_track, b->observation_size != 0);
}

static PyObject *batch_observe(PyObject *self, PyObject *args)
{
    if (!((Batch *)self)->batch.observation_size) {
        PyErr_SetString(PyExc_ValueError, "observation: this batch was made without observations");
        return NULL;
    }
    return run((Batch *)self, args, NULL, 1);
}

static PyMethodDef BATCH_METHODS[] = {
    {"step", batch_step, METH_VARARGS, "step(lo, hi): advance slots by one control tick towards `target`."},
    {"command", batch_command, METH_VARARGS, "command(lo, hi): advance slots by a hand whose next command is `target`."},
    {"track", batch_track, METH_VARARGS, "track(lo, hi): advance slots under residual control, then observe."},
    {"observe", batch_observe, METH_VARARGS, "observe(lo, hi): write the observations."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot BATCH_SLOTS[] = {
    {Py_tp_new, batch_new},
    {Py_tp_dealloc, batch_dealloc},
    {Py_tp_methods, BATCH_METHODS},
    {Py_tp_doc, "Kernels over arrays that Python owns."},
    {0, NULL},
};

static PyType_Spec BATCH_SPEC = {"hierbrush.sim._core.Batch", sizeof(Batch), 0, Py_TPFLAGS_DEFAULT, BATCH_SLOTS};

static PyObject *fill_polygon(PyObject *module, PyObject *args)
{
    (void)module;
    HB_HELD(2);
    static const char *const specs[] = {"points:d", "bits>L"};
    int columns, rows;
    if (!PyArg_ParseTuple(args, "OiiO", &objects[0], &columns, &rows, &objects[1]) || hb_bad_size(columns, rows)
        || hb_take(&held, objects, specs, 2))
        return NULL;
    if (buffers[1].len < (Py_ssize_t)((columns + 63) / 64) * rows * 8)
        return hb_refuse(&held, "bits", "too small for columns x rows");
    size_t bytes = sizeof(int32_t) * (size_t)(columns + 1) * (size_t)rows;
    int32_t *winding = hb_scratch(&held, bytes);
    if (!winding)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    memset(winding, 0, bytes);
    hb_fill_polygon(buffers[0].buf, buffers[0].len / 16, columns, rows, winding, buffers[1].buf);
    Py_END_ALLOW_THREADS
    return hb_done(&held);
}

static PyObject *polygon_distance(PyObject *module, PyObject *args)
{
    (void)module;
    HB_HELD(3);
    static const char *const specs[] = {"points:d", "inside:L", "out>b"};
    int columns, rows;
    if (!PyArg_ParseTuple(args, "OiiOO", &objects[0], &columns, &rows, &objects[1], &objects[2]) || hb_bad_size(columns, rows)
        || hb_take(&held, objects, specs, 3))
        return NULL;
    if (buffers[1].len < (Py_ssize_t)((columns + 63) / 64) * rows * 8 || buffers[2].len < (Py_ssize_t)columns * rows)
        return hb_refuse(&held, "inside, out", "too small for columns x rows");
    Py_BEGIN_ALLOW_THREADS
    hb_polygon_distance(buffers[0].buf, buffers[0].len / 16, columns, rows, buffers[1].buf, buffers[2].buf);
    Py_END_ALLOW_THREADS
    return hb_done(&held);
}

/* What is said of some points by the line of their share: `numbers` for each, by a kernel. */
typedef void (*by_line)(const double *points, int64_t count, const double *line, int64_t corners, double *out);

static PyObject *points_by_line(PyObject *args, const char *const *specs, const char *both, int least, int numbers, by_line kernel)
{
    HB_HELD(3);
    int count;
    if (!PyArg_ParseTuple(args, "OOiO", &objects[0], &objects[1], &count, &objects[2]) || hb_take(&held, objects, specs, 3))
        return NULL;
    Py_ssize_t share = 16 * (Py_ssize_t)(count > 0 ? count : 1), points = buffers[0].len / share, corners = buffers[1].len / share;
    if (count < 1 || buffers[0].len % share || buffers[1].len % share || corners < least)
        return hb_refuse(&held, both, "not shared evenly by so many");
    if (buffers[2].len < points * count * numbers * (Py_ssize_t)sizeof(double))
        return hb_refuse(&held, "out", "too small for the points");
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t at = 0; at < count; at++)
        kernel((double *)buffers[0].buf + 2 * points * at, points, (double *)buffers[1].buf + 2 * corners * at, corners,
               (double *)buffers[2].buf + numbers * points * at);
    Py_END_ALLOW_THREADS
    return hb_done(&held);
}

static PyObject *outline_distance(PyObject *module, PyObject *args)
{
    (void)module;
    static const char *const specs[] = {"points:d", "outlines:d", "out>d"};
    return points_by_line(args, specs, "points, outlines", 1, 1, hb_outline_distance);
}

static PyObject *nearest_points(PyObject *module, PyObject *args)
{
    (void)module;
    static const char *const specs[] = {"points:d", "lines:d", "out>d"};
    return points_by_line(args, specs, "points, lines", 2, 2, hb_nearest_points);
}

static PyObject *distance_transform(PyObject *module, PyObject *args)
{
    (void)module;
    HB_HELD(2);
    static const char *const specs[] = {"mask:B", "out>f"};
    int columns, rows;
    if (!PyArg_ParseTuple(args, "OiiO", &objects[0], &columns, &rows, &objects[1]) || hb_bad_size(columns, rows)
        || hb_take(&held, objects, specs, 2))
        return NULL;
    if (buffers[0].len < (Py_ssize_t)columns * rows || buffers[1].len < (Py_ssize_t)columns * rows * 4)
        return hb_refuse(&held, "mask, out", "too small for columns x rows");
    double *scratch = hb_scratch(&held, sizeof(double) * 4 * (size_t)((columns > rows ? columns : rows) + 1));
    if (!scratch)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    hb_distance_transform(buffers[0].buf, columns, rows, buffers[1].buf, scratch);
    Py_END_ALLOW_THREADS
    return hb_done(&held);
}

enum { CONTACT = 7 }; /* numbers of one */

static PyObject *contacts(PyObject *module, PyObject *args)
{
    (void)module;
    HB_HELD(4);
    static const char *const specs[] = {"lines:d", "widths:d", "pairs:l", "out>d"};
    int reach;
    if (!PyArg_ParseTuple(args, "OOOiO", &objects[0], &objects[1], &objects[2], &reach, &objects[3])
        || hb_take(&held, objects, specs, 4))
        return NULL;
    int64_t lines = buffers[0].ndim == 3 ? buffers[0].shape[0] : 0, corners = lines ? buffers[0].shape[1] : 0;
    int64_t count = buffers[2].len / 16;
    const int64_t *pairs = buffers[2].buf;
    if (lines < 1 || corners < 2 || buffers[0].len != 16 * lines * corners || buffers[1].len != 8 * lines * corners)
        return hb_refuse(&held, "lines, widths", "expected [n, k, 2] and [n, k], k >= 2");
    if (buffers[2].len % 16 || buffers[3].len != 8 * CONTACT * count)
        return hb_refuse(&held, "pairs, out", "expected [2, p] and [p, 7]");
    for (int64_t i = 0; i < 2 * count; i++)
        if (pairs[i] < 0 || pairs[i] >= lines)
            return hb_refuse(&held, "pairs", "a line that there is not");
    Py_BEGIN_ALLOW_THREADS
    hb_contacts(buffers[0].buf, buffers[1].buf, corners, pairs, count, reach, buffers[3].buf);
    Py_END_ALLOW_THREADS
    return hb_done(&held);
}

static PyObject *linear(PyObject *module, PyObject *args)
{
    (void)module;
    HB_HELD(4);
    static const char *const specs[] = {"x:f", "weight:f", "bias:f", "out>f"};
    int rectified;
    if (!PyArg_ParseTuple(args, "OOOpO", &objects[0], &objects[1], &objects[2], &rectified, &objects[3])
        || hb_take(&held, objects, specs, 4))
        return NULL;
    int64_t outputs = buffers[2].len / 4, inputs = outputs ? buffers[1].len / 4 / outputs : 0;
    int64_t rows = inputs ? buffers[0].len / 4 / inputs : 0;
    int packed = buffers[1].ndim == 3;
    if (packed && (buffers[1].shape[2] != HB_PANEL || outputs % HB_PANEL || buffers[1].shape[1] != inputs))
        return hb_refuse(&held, "weight", "sizes that do not fit; packed ones are [outputs / 16, inputs, 16]");
    if (inputs < 1 || buffers[1].len != 4 * inputs * outputs || buffers[0].len != 4 * rows * inputs
        || buffers[3].len != 4 * rows * outputs)
        return hb_refuse(&held, "x, weight, bias, out", "sizes that do not fit");
    float *scratch = hb_scratch(&held, sizeof(float) * 8 * (size_t)inputs);
    if (!scratch)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    hb_linear(buffers[0].buf, rows, inputs, buffers[1].buf, packed, buffers[2].buf, outputs, rectified, buffers[3].buf, scratch);
    Py_END_ALLOW_THREADS
    return hb_done(&held);
}

enum { MOST_LAYERS = 64 };

/* Some rows of x through one network; NULL, with an error set, if they do not fit. */
static PyObject *one_perceptron(const Py_buffer *x, int64_t inputs, PyObject *rows, PyObject *tuple, const Py_buffer *out)
{
    HB_HELD(1 + 2 * MOST_LAYERS);
    static const char *const specs[] = {"rows:l"}, *const layer_specs[] = {"weight:f", "bias:f"};
    Py_ssize_t depth = PyTuple_Check(tuple) ? PyTuple_Size(tuple) / 2 : 0;
    if (depth < 1 || depth > MOST_LAYERS || PyTuple_Size(tuple) % 2)
        return hb_refuse(&held, "layers", "expected 1 to 64 of them, a weight and a bias each");
    objects[0] = rows;
    if (hb_take(&held, objects, specs, 1))
        return NULL;
    hb_layer layers[MOST_LAYERS];
    int64_t widest = inputs, width = inputs, count = buffers[0].len / 8, lines = x->len / 4 / inputs;
    for (int k = 0; k < depth; k++) {
        PyObject *layer[] = {PyTuple_GetItem(tuple, 2 * k), PyTuple_GetItem(tuple, 2 * k + 1)};
        if (hb_take(&held, layer, layer_specs, 2))
            return NULL;
        const Py_buffer *weight = &buffers[held.count - 2], *bias = &buffers[held.count - 1];
        layers[k] = (hb_layer){weight->buf, bias->buf, width, bias->len / 4};
        if (layers[k].outputs < 1 || weight->len != 4 * width * layers[k].outputs)
            return hb_refuse(&held, "layers", "sizes that do not follow from one another");
        width = layers[k].outputs;
        widest = width > widest ? width : widest;
    }
    if (x->len != 4 * lines * inputs || out->len != 4 * lines * width)
        return hb_refuse(&held, "x, out", "sizes that do not fit");
    for (int64_t i = 0; i < count; i++)
        if (((int64_t *)buffers[0].buf)[i] < 0 || ((int64_t *)buffers[0].buf)[i] >= lines)
            return hb_refuse(&held, "rows", "one is outside x");
    float *scratch = hb_scratch(&held, sizeof(float) * (size_t)((8 + 2 * count) * widest));
    if (!scratch)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    hb_perceptron(x->buf, buffers[0].buf, count, layers, (int)depth, widest, out->buf, scratch);
    Py_END_ALLOW_THREADS
    return hb_done(&held);
}

static PyObject *perceptrons(PyObject *module, PyObject *args)
{
    (void)module;
    HB_HELD(2);
    static const char *const specs[] = {"x:f", "out>f"};
    PyObject *groups;
    long long inputs;
    if (!PyArg_ParseTuple(args, "OLO!O", &objects[0], &inputs, &PyTuple_Type, &groups, &objects[1])
        || hb_take(&held, objects, specs, 2))
        return NULL;
    if (inputs < 1)
        return hb_refuse(&held, "inputs", "expected 1 or more");
    for (Py_ssize_t k = 0; k < PyTuple_Size(groups); k++) {
        PyObject *group = PyTuple_GetItem(groups, k), *done;
        if (!PyTuple_Check(group) || PyTuple_Size(group) != 2)
            return hb_refuse(&held, "groups", "expected rows and layers of each");
        done = one_perceptron(&buffers[0], inputs, PyTuple_GetItem(group, 0), PyTuple_GetItem(group, 1), &buffers[1]);
        if (!done)
            return hb_drop(&held);
        Py_DECREF(done);
    }
    return hb_done(&held);
}

static PyObject *attention(PyObject *module, PyObject *args)
{
    (void)module;
    HB_HELD(3);
    static const char *const specs[] = {"qkv:f", "exists:B", "out>f"};
    int count, heads;
    if (!PyArg_ParseTuple(args, "OOiiO", &objects[0], &objects[1], &count, &heads, &objects[2])
        || hb_take(&held, objects, specs, 3))
        return NULL;
    int64_t rows = count > 0 ? buffers[1].len / count : 0, numbers = count > 0 && heads > 0 ? rows * count * heads * HB_HEAD : -1;
    if (numbers < 0 || heads > 1024 || buffers[1].len != rows * count || buffers[2].len != 4 * numbers
        || buffers[0].len != 3 * 4 * numbers)
        return hb_refuse(&held, "qkv, exists, out", "sizes that do not fit");
    float *scratch = hb_scratch(&held, sizeof(float) * (size_t)((HB_HEAD + 1) * (rows + 7)));
    if (!scratch)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    hb_attention(buffers[0].buf, buffers[1].buf, count, rows, heads, buffers[2].buf, scratch);
    Py_END_ALLOW_THREADS
    return hb_done(&held);
}

static PyObject *normalise(PyObject *module, PyObject *args)
{
    (void)module;
    HB_HELD(4);
    static const char *const specs[] = {"x:f", "weight:f", "bias:f", "out>f"};
    float epsilon;
    if (!PyArg_ParseTuple(args, "OOOfO", &objects[0], &objects[1], &objects[2], &epsilon, &objects[3])
        || hb_take(&held, objects, specs, 4))
        return NULL;
    int64_t width = buffers[1].len / 4;
    if (width < 8 || width % 8 || buffers[2].len != 4 * width || buffers[0].len % (4 * width) || buffers[3].len != buffers[0].len)
        return hb_refuse(&held, "x, weight, bias, out", "sizes that do not fit, or rows of no multiple of 8");
    Py_BEGIN_ALLOW_THREADS
    hb_normalise(buffers[0].buf, buffers[0].len / (4 * width), width, buffers[1].buf, buffers[2].buf, epsilon, buffers[3].buf);
    Py_END_ALLOW_THREADS
    return hb_done(&held);
}

static PyMethodDef METHODS[] = {
    {"fill_polygon", fill_polygon, METH_VARARGS, "fill_polygon(points, columns, rows, bits)"},
    {"polygon_distance", polygon_distance, METH_VARARGS, "polygon_distance(points, columns, rows, inside, out)"},
    {"outline_distance", outline_distance, METH_VARARGS, "outline_distance(points, outlines, count, out)"},
    {"distance_transform", distance_transform, METH_VARARGS, "distance_transform(mask, columns, rows, out)"},
    {"nearest_points", nearest_points, METH_VARARGS, "nearest_points(points, lines, count, out)"},
    {"contacts", contacts, METH_VARARGS, "contacts(lines, widths, pairs, reach, out)"},
    {"linear", linear, METH_VARARGS, "linear(x, weight, bias, rectified, out)"},
    {"perceptrons", perceptrons, METH_VARARGS, "perceptrons(x, inputs, groups, out)"},
    {"attention", attention, METH_VARARGS, "attention(qkv, exists, count, heads, out)"},
    {"normalise", normalise, METH_VARARGS, "normalise(x, weight, bias, epsilon, out)"},
    {NULL, NULL, 0, NULL},
};

#ifndef HB_BUILD
#define HB_BUILD "unknown flags"
#endif

static int populate(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&BATCH_SPEC);
    if (!type || PyModule_AddObject(module, "Batch", type) < 0) {
        Py_XDECREF(type);
        return -1;
    }
    if (PyModule_AddFunctions(module, HB_INK_METHODS) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "BUILD", HB_BUILD);
}

static PyModuleDef_Slot SLOTS[] = {{Py_mod_exec, populate}, {0, NULL}};

static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, "_core", "The compiled core of hierbrush.sim.", 0, METHODS, SLOTS, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&MODULE); }
