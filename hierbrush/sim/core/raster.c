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

enum { TILE = 8, PIXELS = TILE * TILE, LANES = 8, EDGES = 256 };
#define TILE_HALF 3.5f   /* pixels from a tile's middle to its outermost pixel centres, along an axis */
#define TILE_REACH 4.95f /* and to the farthest one */
#define SLACK 0.02f      /* more than rounding does to a distance */
#define NOWHERE 1e9f     /* farther than any pixel */

/* Edges of a polygon, a column for each number, so that many can be looked at together. Their count is a multiple of LANES,
 * the last ones nowhere. */
struct edges {
    int32_t count;
    float x[EDGES], y[EDGES], along_x[EDGES], along_y[EDGES], inverse[EDGES];
};

static void load(struct edges *edges, const double *points, int64_t count, int64_t first)
{
    int32_t here = (int32_t)(count - first < EDGES ? count - first : EDGES);
    edges->count = (here + LANES - 1) / LANES * LANES;
    for (int32_t k = 0; k < edges->count; k++) {
        int64_t at = first + k, next = at + 1 < count ? at + 1 : 0;
        float x = k < here ? (float)points[2 * at] : NOWHERE, y = k < here ? (float)points[2 * at + 1] : NOWHERE;
        float ex = k < here ? (float)points[2 * next] - x : 0.0f;
        float ey = k < here ? (float)points[2 * next + 1] - y : 0.0f;
        float squared = ex * ex + ey * ey;
        edges->x[k] = x;
        edges->y[k] = y;
        edges->along_x[k] = ex;
        edges->along_y[k] = ey;
        edges->inverse[k] = 1.0f / (squared > 1e-12f ? squared : 1e-12f);
    }
}

/* Squared distance of a point to edge k, and the way from there to the point. */
HB_INLINE float squared_distance(const struct edges *edges, int32_t k, float x, float y, float *way_x, float *way_y)
{
    float ox = x - edges->x[k], oy = y - edges->y[k];
    float along = (ox * edges->along_x[k] + oy * edges->along_y[k]) * edges->inverse[k];
    along = along > 0.0f ? along : 0.0f;
    along = along < 1.0f ? along : 1.0f;
    *way_x = ox - along * edges->along_x[k];
    *way_y = oy - along * edges->along_y[k];
    return *way_x * *way_x + *way_y * *way_y;
}

/* Writes which edges may be nearest to a pixel of the tile around a point, and returns how many; there is at least one.
 *
 * Seen from there an edge is `apart`, and the way from it has the direction `toward`. Moving on by u, the distance to an
 * edge changes by toward . u at least, since distance to a segment is convex; that to the nearest edge by its own toward . u
 * at most, and what a circle around its nearest point bends away from the tangent. So most edges are left out, which
 * changes no result. */
HB_INLINE int32_t candidates(const struct edges *edges, float x, float y, int32_t *found)
{
    float apart[EDGES], toward_x[EDGES], toward_y[EDGES], low[LANES];
    for (int32_t k = 0; k < edges->count; k++) {
        float way_x, way_y, distance = sqrtf(squared_distance(edges, k, x, y, &way_x, &way_y));
        float inverse = 1.0f / (distance > 1e-6f ? distance : 1e-6f);
        apart[k] = distance;
        toward_x[k] = way_x * inverse;
        toward_y[k] = way_y * inverse;
    }
    for (int32_t i = 0; i < LANES; i++)
        low[i] = apart[i];
    for (int32_t k = LANES; k < edges->count; k += LANES)
        for (int32_t i = 0; i < LANES; i++)
            low[i] = apart[k + i] < low[i] ? apart[k + i] : low[i];
    float least = low[0];
    for (int32_t i = 1; i < LANES; i++)
        least = low[i] < least ? low[i] : least;
    int32_t best = 0;
    while (apart[best] > least)
        best++;
    float to_x = toward_x[best], to_y = toward_y[best], far = least + 2.0f * TILE_REACH + SLACK;
    float bent = least + SLACK;
    bent += least > 2.0f * TILE_REACH ? 0.5f * TILE_REACH * TILE_REACH / (least - TILE_REACH) : NOWHERE;
    int32_t near[EDGES], count = 0;
    for (int32_t k = 0; k < edges->count; k++) {
        float turned = bent + TILE_HALF * (fabsf(toward_x[k] - to_x) + fabsf(toward_y[k] - to_y));
        near[k] = apart[k] <= (far < turned ? far : turned);
    }
    for (int32_t k = 0; k < edges->count; k++) {
        found[count] = k;
        count += near[k];
    }
    return count;
}

HB_CLONES void hb_polygon_distance(const double *points, int64_t count, int32_t columns, int32_t rows,
                                   const uint64_t *inside, int8_t *out)
{
    int32_t words = (columns + 63) >> 6;
    struct edges edges;
    int64_t loaded = -1;
    for (int32_t top = 0; top < rows; top += TILE)
        for (int32_t left = 0; left < columns; left += TILE) {
            float nearest[PIXELS];
            for (int32_t i = 0; i < PIXELS; i++)
                nearest[i] = NOWHERE;
            for (int64_t block = 0; block < count; block += EDGES) {
                if (block != loaded) {
                    load(&edges, points, count, block);
                    loaded = block;
                }
                int32_t near[EDGES], some = candidates(&edges, (float)(left + TILE / 2), (float)(top + TILE / 2), near);
                for (int32_t k = 0; k < some; k++)
                    for (int32_t r = 0; r < TILE; r++)
                        for (int32_t i = 0; i < TILE; i++) {
                            float x = (float)left + 0.5f + (float)i, y = (float)(top + r) + 0.5f, way_x, way_y;
                            float distance = squared_distance(&edges, near[k], x, y, &way_x, &way_y);
                            float *least = &nearest[r * TILE + i];
                            *least = distance < *least ? distance : *least;
                        }
            }
            int32_t value[PIXELS], wide = columns - left < TILE ? columns - left : TILE;
            for (int32_t i = 0; i < PIXELS; i++) {
                float quarters = rintf(sqrtf(nearest[i]) * 4.0f);
                value[i] = (int32_t)(quarters < 127.0f ? quarters : 127.0f);
            }
            for (int32_t r = 0; r < TILE && top + r < rows; r++) {
                ptrdiff_t row = top + r;
                /* A tile lies within one word. */
                uint32_t is_in = (uint32_t)(inside[row * words + (left >> 6)] >> (left & 63));
                int8_t *line = out + row * columns + left;
                for (int32_t i = 0; i < wide; i++)
                    line[i] = (int8_t)(is_in >> i & 1 ? value[r * TILE + i] : -value[r * TILE + i]);
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
