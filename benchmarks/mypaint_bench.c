/* Draws strokes with libmypaint and prints the CPU seconds that it took; bench_sim.py compiles and feeds it.
 *
 * usage: mypaint_bench FILE SIDE DABS REPEATS
 * FILE holds, in native binary: int32 number of strokes; for each int32 number of points and that many float32 triples of
 * x, y and radius in pixels (radius 0: lifted). DABS is libmypaint's dabs per actual radius. The best of REPEATS counts.
 */
#define _POSIX_C_SOURCE 199309L
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <mypaint-brush.h>
#include <mypaint-fixed-tiled-surface.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    FILE *file = fopen(argv[1], "rb");
    int side = atoi(argv[2]), repeats = atoi(argv[4]);
    float dabs = (float)atof(argv[3]);
    if (!file || fseek(file, 0, SEEK_END))
        return 1;
    long size = ftell(file);
    int32_t *data = malloc((size_t)size);
    rewind(file);
    if (!data || fread(data, 1, (size_t)size, file) != (size_t)size)
        return 1;
    fclose(file);

    MyPaintBrush *brush = mypaint_brush_new();
    mypaint_brush_from_defaults(brush);
    mypaint_brush_set_base_value(brush, MYPAINT_BRUSH_SETTING_OPAQUE, 1.0f);
    mypaint_brush_set_base_value(brush, MYPAINT_BRUSH_SETTING_HARDNESS, 0.95f);
    mypaint_brush_set_base_value(brush, MYPAINT_BRUSH_SETTING_DABS_PER_ACTUAL_RADIUS, dabs);
    mypaint_brush_set_base_value(brush, MYPAINT_BRUSH_SETTING_DABS_PER_BASIC_RADIUS, 0.0f);
    double best = INFINITY;
    for (int repeat = 0; repeat < repeats; repeat++) {
        /* One fresh paper a repetition: making papers is not what is measured. */
        MyPaintFixedTiledSurface *paper = mypaint_fixed_tiled_surface_new(side, side);
        MyPaintSurface *surface = mypaint_fixed_tiled_surface_interface(paper);
        const int32_t *at = data + 1;
        double start = now();
        for (int32_t stroke = 0; stroke < data[0]; stroke++) {
            int32_t points = *at++;
            const float *point = (const float *)at;
            mypaint_brush_reset(brush);
            mypaint_brush_new_stroke(brush);
            mypaint_surface_begin_atomic(surface);
            for (int32_t i = 0; i < points; i++, point += 3) {
                float radius = point[2] > 0.3f ? point[2] : 0.3f;
                mypaint_brush_set_base_value(brush, MYPAINT_BRUSH_SETTING_RADIUS_LOGARITHMIC, logf(radius));
                /* The first event after a reset only takes the brush there. */
                mypaint_brush_stroke_to(brush, surface, point[0], point[1], point[2] > 0.0f ? 1.0f : 0.0f, 0.0f, 0.0f,
                                        i ? 0.025 : 10.0);
            }
            mypaint_surface_end_atomic(surface, NULL);
            at += 3 * points;
        }
        double took = now() - start;
        best = took < best ? took : best;
        mypaint_surface_unref(surface);
    }
    mypaint_brush_unref(brush);
    free(data);
    printf("%.9f\n", best);
    return 0;
}
