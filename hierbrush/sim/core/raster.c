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

enum { TILE_COLUMNS = 8, TILE_ROWS = 8, EDGES = 256 };
#define TILE_REACH 4.97f /* pixels from a tile's middle to the farthest pixel centre in it, and a little more */

/* Edges of a polygon, a column for each number, so that many can be looked at together. */
struct edges {
    float x[EDGES], y[EDGES], along_x[EDGES], along_y[EDGES], inverse[EDGES];
};

static void load(struct edges *edges, const double *points, int64_t count, int64_t first)
{
    for (int64_t at = first; at < count && at < first + EDGES; at++) {
        int64_t next = at + 1 < count ? at + 1 : 0, k = at - first;
        float x = (float)points[2 * at], y = (float)points[2 * at + 1];
        float ex = (float)points[2 * next] - x, ey = (float)points[2 * next + 1] - y;
        float squared = ex * ex + ey * ey;
        edges->x[k] = x;
        edges->y[k] = y;
        edges->along_x[k] = ex;
        edges->along_y[k] = ey;
        edges->inverse[k] = 1.0f / (squared > 1e-12f ? squared : 1e-12f);
    }
}

/* Squared distance of a point to edge k. */
HB_INLINE float squared_distance(const struct edges *edges, int32_t k, float x, float y)
{
    float ox = x - edges->x[k], oy = y - edges->y[k];
    float along = (ox * edges->along_x[k] + oy * edges->along_y[k]) * edges->inverse[k];
    along = along > 0.0f ? along : 0.0f;
    along = along < 1.0f ? along : 1.0f;
    float dx = ox - along * edges->along_x[k], dy = oy - along * edges->along_y[k];
    return dx * dx + dy * dy;
}

HB_CLONES void hb_polygon_distance(const double *points, int64_t count, int32_t columns, int32_t rows,
                                   const uint64_t *inside, int8_t *out)
{
    int32_t words = (columns + 63) >> 6;
    struct edges edges;
    int64_t loaded = -1;
    for (int32_t top = 0; top < rows; top += TILE_ROWS)
        for (int32_t left = 0; left < columns; left += TILE_COLUMNS) {
            float nearest[TILE_ROWS][TILE_COLUMNS];
            for (int32_t r = 0; r < TILE_ROWS; r++)
                for (int32_t i = 0; i < TILE_COLUMNS; i++)
                    nearest[r][i] = 1e9f;
            /* Most edges are nearest to nothing in a tile: an edge that lies farther from its middle than the nearest one
             * by more than the tile's extent is skipped, which changes no result. */
            float middle_x = (float)left + 0.5f * TILE_COLUMNS, middle_y = (float)top + 0.5f * TILE_ROWS;
            for (int64_t block = 0; block < count; block += EDGES) {
                int32_t here = (int32_t)(count - block < EDGES ? count - block : EDGES);
                if (block != loaded) {
                    load(&edges, points, count, block);
                    loaded = block;
                }
                float apart[EDGES], least = 1e18f;
                for (int32_t k = 0; k < here; k++)
                    apart[k] = squared_distance(&edges, k, middle_x, middle_y);
                for (int32_t k = 0; k < here; k++)
                    least = apart[k] < least ? apart[k] : least;
                float far = sqrtf(least) * 1.001f + 2.0f * TILE_REACH;
                for (int32_t k = 0; k < here; k++) {
                    if (apart[k] > far * far)
                        continue;
                    for (int32_t r = 0; r < TILE_ROWS; r++)
                        for (int32_t i = 0; i < TILE_COLUMNS; i++) {
                            float x = (float)left + 0.5f + (float)i, y = (float)(top + r) + 0.5f;
                            float distance = squared_distance(&edges, k, x, y);
                            nearest[r][i] = distance < nearest[r][i] ? distance : nearest[r][i];
                        }
                }
            }
            for (int32_t r = 0; r < TILE_ROWS && top + r < rows; r++)
                for (int32_t i = 0; i < TILE_COLUMNS && left + i < columns; i++) {
                    float quarters = rintf(sqrtf(nearest[r][i]) * 4.0f);
                    int32_t value = quarters < 127.0f ? (int32_t)quarters : 127;
                    int32_t row = top + r, column = left + i;
                    uint64_t is_in = inside[(ptrdiff_t)row * words + (column >> 6)] >> (column & 63) & 1;
                    out[(ptrdiff_t)row * columns + column] = (int8_t)(is_in ? value : -value);
                }
        }
}

enum { TOGETHER = 32 };

HB_CLONES void hb_outline_distance(const double *points, int64_t count, const double *outline, int64_t corners, double *out)
{
    for (int64_t first = 0; first < count; first += TOGETHER) {
        int64_t here = count - first < TOGETHER ? count - first : TOGETHER;
        double x[TOGETHER], y[TOGETHER], nearest[TOGETHER];
        for (int64_t i = 0; i < TOGETHER; i++) {
            int64_t at = first + (i < here ? i : here - 1);
            x[i] = points[2 * at];
            y[i] = points[2 * at + 1];
            nearest[i] = INFINITY;
        }
        for (int64_t k = 0; k < corners; k++) {
            int64_t next = k + 1 < corners ? k + 1 : 0;
            double from_x = outline[2 * k], from_y = outline[2 * k + 1];
            double ex = outline[2 * next] - from_x, ey = outline[2 * next + 1] - from_y;
            double squared = ex * ex + ey * ey;
            squared = squared > 1e-30 ? squared : 1e-30;
            for (int64_t i = 0; i < TOGETHER; i++) {
                double ox = x[i] - from_x, oy = y[i] - from_y;
                double along = (ox * ex + oy * ey) / squared;
                along = along > 0.0 ? along : 0.0;
                along = along < 1.0 ? along : 1.0;
                double dx = ox - along * ex, dy = oy - along * ey;
                double distance = dx * dx + dy * dy;
                nearest[i] = distance < nearest[i] ? distance : nearest[i];
            }
        }
        for (int64_t i = 0; i < here; i++)
            out[first + i] = sqrt(nearest[i]);
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
