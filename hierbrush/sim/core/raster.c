/* Polygons and distances on a raster. */
#include "brush.h"
#include "clones.h"

#include <math.h>
#include <stddef.h>

void hb_fill_polygon(const double *points, int64_t count, int32_t columns, int32_t rows, int32_t *winding,
                     uint64_t *bits)
{
    ptrdiff_t width = (ptrdiff_t)columns + 1;
    int32_t words = (columns + 63) >> 6;
    /* Each edge adds its direction where it crosses a row's centre line; a running sum along the row is the winding. */
    for (int64_t i = 0; i < count; i++) {
        int64_t j = i + 1 < count ? i + 1 : 0;
        double x0 = points[2 * i], y0 = points[2 * i + 1], x1 = points[2 * j], y1 = points[2 * j + 1];
        int32_t sign = 1;
        if (y0 > y1) {
            double swap = x0;
            x0 = x1;
            x1 = swap;
            swap = y0;
            y0 = y1;
            y1 = swap;
            sign = -1;
        }
        double from = ceil(y0 - 0.5), to = ceil(y1 - 0.5); /* centres with y0 <= y < y1 */
        from = from > 0.0 ? from : 0.0;
        from = from < (double)rows ? from : (double)rows; /* before the cast, which a far row would overflow */
        to = to < (double)rows ? to : (double)rows;
        for (int32_t row = (int32_t)from; row < to; row++) {
            double x = x0 + (x1 - x0) * (((double)row + 0.5 - y0) / (y1 - y0));
            double column = ceil(x - 0.5);
            column = column > 0.0 ? column : 0.0;
            column = column < (double)columns ? column : (double)columns;
            winding[row * width + (ptrdiff_t)column] += sign;
        }
    }
    for (int32_t row = 0; row < rows; row++) {
        int32_t *line = winding + row * width, sum = 0;
        for (int32_t column = 0; column < columns; column++) {
            sum += line[column];
            line[column] = 0;
            bits[(ptrdiff_t)row * words + (column >> 6)] |= (uint64_t)(sum != 0) << (column & 63);
        }
        line[columns] = 0;
    }
}

HB_CLONES void hb_polygon_distance(const double *points, int64_t count, int32_t columns, int32_t rows,
                                   const uint64_t *inside, int8_t *out)
{
    enum { LANES = 16 };
    int32_t words = (columns + 63) >> 6;
    for (int32_t row = 0; row < rows; row++) {
        float y = (float)row + 0.5f;
        for (int32_t block = 0; block < columns; block += LANES) {
            float nearest[LANES];
            for (int32_t i = 0; i < LANES; i++)
                nearest[i] = 1e9f;
            for (int64_t k = 0; k < count; k++) {
                int64_t next = k + 1 < count ? k + 1 : 0;
                float px = (float)points[2 * k], py = (float)points[2 * k + 1];
                float ex = (float)points[2 * next] - px, ey = (float)points[2 * next + 1] - py;
                float squared = ex * ex + ey * ey, inverse = 1.0f / (squared > 1e-12f ? squared : 1e-12f);
                float oy = y - py;
                for (int32_t i = 0; i < LANES; i++) {
                    float ox = (float)(block + i) + 0.5f - px;
                    float along = (ox * ex + oy * ey) * inverse;
                    along = along > 0.0f ? along : 0.0f;
                    along = along < 1.0f ? along : 1.0f;
                    float dx = ox - along * ex, dy = oy - along * ey;
                    float distance = dx * dx + dy * dy;
                    nearest[i] = distance < nearest[i] ? distance : nearest[i];
                }
            }
            int32_t lanes = columns - block < LANES ? columns - block : LANES;
            for (int32_t i = 0; i < lanes; i++) {
                float quarters = rintf(sqrtf(nearest[i]) * 4.0f);
                int32_t value = quarters < 127.0f ? (int32_t)quarters : 127;
                int32_t column = block + i;
                uint64_t is_in = inside[(ptrdiff_t)row * words + (column >> 6)] >> (column & 63) & 1;
                out[(ptrdiff_t)row * columns + column] = (int8_t)(is_in ? value : -value);
            }
        }
    }
}

/* Lower envelope of parabolas: squared distances along one line, in place of `f`. */
static void sweep(const double *f, int32_t count, double *out, int32_t *vertex, double *boundary)
{
    int32_t k = -1;
    for (int32_t q = 0; q < count; q++) {
        if (isinf(f[q]))
            continue;
        double s = -INFINITY;
        while (k >= 0) {
            int32_t v = vertex[k];
            s = ((f[q] + (double)q * q) - (f[v] + (double)v * v)) / (2.0 * (q - v));
            if (s > boundary[k])
                break;
            k--;
        }
        if (k < 0)
            s = -INFINITY;
        k++;
        vertex[k] = q;
        boundary[k] = s;
        boundary[k + 1] = INFINITY;
    }
    if (k < 0) {
        for (int32_t q = 0; q < count; q++)
            out[q] = INFINITY;
        return;
    }
    int32_t j = 0;
    for (int32_t q = 0; q < count; q++) {
        while (boundary[j + 1] < (double)q)
            j++;
        double offset = (double)q - vertex[j];
        out[q] = offset * offset + f[vertex[j]];
    }
}

void hb_distance_transform(const uint8_t *mask, int32_t columns, int32_t rows, float *out, double *scratch)
{
    int32_t longest = columns > rows ? columns : rows;
    double *line = scratch, *result = scratch + (longest + 1), *boundary = scratch + 2 * (longest + 1);
    int32_t *vertex = (int32_t *)(scratch + 3 * (longest + 1));
    for (int32_t column = 0; column < columns; column++) {
        for (int32_t row = 0; row < rows; row++)
            line[row] = mask[(ptrdiff_t)row * columns + column] ? 0.0 : INFINITY;
        sweep(line, rows, result, vertex, boundary);
        for (int32_t row = 0; row < rows; row++)
            out[(ptrdiff_t)row * columns + column] = (float)result[row];
    }
    for (int32_t row = 0; row < rows; row++) {
        float *values = out + (ptrdiff_t)row * columns;
        for (int32_t column = 0; column < columns; column++)
            line[column] = values[column];
        sweep(line, columns, result, vertex, boundary);
        for (int32_t column = 0; column < columns; column++)
            values[column] = (float)sqrt(result[column]);
    }
}
