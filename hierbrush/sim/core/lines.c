/* Where skeletons lie to other points and to each other. reference.py has the same operations in the same order. */
#include "brush.h"
#include "clones.h"

#include <math.h>

enum { TOGETHER = 32 };

/* What leads from the nearest point of a step to a point; returns its square. */
HB_INLINE double from_step(const double *step, double x, double y, double *away)
{
    double step_x = step[2] - step[0], step_y = step[3] - step[1], off_x = x - step[0], off_y = y - step[1];
    double squared = step_x * step_x + step_y * step_y;
    double share = (off_x * step_x + off_y * step_y) / (squared > 1e-18 ? squared : 1e-18);
    share = share > 0.0 ? share : 0.0;
    share = share < 1.0 ? share : 1.0;
    away[0] = off_x - share * step_x;
    away[1] = off_y - share * step_y;
    return away[0] * away[0] + away[1] * away[1];
}

HB_CLONES void hb_nearest_points(const double *points, int64_t count, const double *line, int64_t corners, double *out)
{
    for (int64_t first = 0; first < count; first += TOGETHER) {
        int64_t here = count - first < TOGETHER ? count - first : TOGETHER;
        double x[TOGETHER], y[TOGETHER], nearest[TOGETHER], corner[TOGETHER];
        for (int64_t i = 0; i < TOGETHER; i++) {
            int64_t at = first + (i < here ? i : here - 1);
            x[i] = points[2 * at];
            y[i] = points[2 * at + 1];
            nearest[i] = INFINITY;
            corner[i] = 0.0;
        }
        for (int64_t k = 0; k < corners; k++)
            for (int64_t i = 0; i < TOGETHER; i++) {
                double away_x = x[i] - line[2 * k], away_y = y[i] - line[2 * k + 1];
                double distance = away_x * away_x + away_y * away_y;
                corner[i] = distance < nearest[i] ? (double)k : corner[i];
                nearest[i] = distance < nearest[i] ? distance : nearest[i];
            }
        for (int64_t i = 0; i < here; i++) {
            int64_t at = (int64_t)corner[i], before = at > 0 ? at - 1 : 0, after = at < corners - 2 ? at : corners - 2;
            double to_before[2], to_after[2];
            int nearer = from_step(line + 2 * before, x[i], y[i], to_before) < from_step(line + 2 * after, x[i], y[i], to_after);
            out[2 * (first + i)] = x[i] - (nearer ? to_before[0] : to_after[0]);
            out[2 * (first + i) + 1] = y[i] - (nearer ? to_before[1] : to_after[1]);
        }
    }
}

/* The steps in which two lines cross, of several the middle ones; 0 where they do not. */
static int crossing(const double *one, const double *other, int64_t corners, int64_t *at)
{
    int64_t total = 0;
    for (int pass = 0; pass < 2; pass++) {
        int64_t found = 0;
        for (int64_t i = 0; i + 1 < corners; i++) {
            double along_x = one[2 * i + 2] - one[2 * i], along_y = one[2 * i + 3] - one[2 * i + 1];
            for (int64_t j = 0; j + 1 < corners; j++) {
                double across_x = other[2 * j + 2] - other[2 * j], across_y = other[2 * j + 3] - other[2 * j + 1];
                double between_x = other[2 * j] - one[2 * i], between_y = other[2 * j + 1] - one[2 * i + 1];
                double turn = along_x * across_y - along_y * across_x;
                double share = (between_x * across_y - between_y * across_x) / turn;
                double share_other = (between_x * along_y - between_y * along_x) / turn;
                if (!(share >= 0 && share <= 1 && share_other >= 0 && share_other <= 1))
                    continue;
                if (pass && found == total / 2) {
                    at[0] = i;
                    at[1] = j;
                    return 1;
                }
                found++;
            }
        }
        total = found;
    }
    return 0;
}

/* How two strokes that cross come apart, into `out` as hb_contacts has it; 0 where their skeletons do not cross. */
static int tail(const double *const line[2], const double *const width[2], int64_t corners, int64_t reach, double *out)
{
    int64_t at[2];
    if (!crossing(line[0], line[1], corners, at))
        return 0;
    double shortest = INFINITY;
    int stroke = 0, backwards = 0;
    for (int s = 0; s < 2; s++) {
        double length[2] = {0.0, 0.0};
        for (int64_t k = 0; k + 1 < corners; k++) {
            double x = line[s][2 * k + 2] - line[s][2 * k], y = line[s][2 * k + 3] - line[s][2 * k + 1];
            length[k >= at[s]] += sqrt(x * x + y * y);
        }
        for (int e = 0; e < 2; e++)
            if (length[e] < shortest) {
                shortest = length[e];
                stroke = s;
                backwards = e;
            }
    }
    int64_t last = corners - 1, end = backwards ? last : 0, inner = at[stroke] + (backwards ? -reach : reach);
    inner = inner < 0 ? 0 : inner > last ? last : inner;
    const double *tip = line[stroke] + 2 * end, *other = line[1 - stroke] + 2 * at[1 - stroke];
    double back_x = line[stroke][2 * inner] - tip[0], back_y = line[stroke][2 * inner + 1] - tip[1];
    double length = sqrt(back_x * back_x + back_y * back_y), sign = stroke ? -1.0 : 1.0;
    length = length > 1e-9 ? length : 1e-9;
    out[0] = -(shortest + width[1 - stroke][at[1 - stroke]] + width[stroke][end]);
    for (int axis = 0; axis < 2; axis++) {
        out[1 + 2 * stroke + axis] = tip[axis];
        out[1 + 2 * (1 - stroke) + axis] = other[axis];
    }
    out[5] = sign * (back_x / length);
    out[6] = sign * (back_y / length);
    return 1;
}

HB_CLONES void hb_contacts(const double *lines, const double *widths, int64_t corners, const int64_t *pairs, int64_t count,
                           int64_t reach, double *out)
{
    for (int64_t p = 0; p < count; p++, out += 7) {
        int64_t one = pairs[p], two = pairs[count + p];
        const double *line[2] = {lines + 2 * corners * one, lines + 2 * corners * two};
        const double *width[2] = {widths + corners * one, widths + corners * two};
        double gap = INFINITY;
        int64_t at[2] = {0, 0};
        for (int64_t i = 0; i < corners; i++)
            for (int64_t j = 0; j < corners; j++) {
                double x = line[0][2 * i] - line[1][2 * j], y = line[0][2 * i + 1] - line[1][2 * j + 1];
                double here = sqrt(x * x + y * y) - width[0][i] - width[1][j];
                if (here < gap) {
                    gap = here;
                    at[0] = i;
                    at[1] = j;
                }
            }
        if (gap < 0 && tail(line, width, corners, reach, out))
            continue;
        const double *a = line[0] + 2 * at[0], *b = line[1] + 2 * at[1];
        double x = a[0] - b[0], y = a[1] - b[1], length = sqrt(x * x + y * y);
        length = length > 1e-9 ? length : 1e-9;
        out[0] = gap;
        out[1] = a[0];
        out[2] = a[1];
        out[3] = b[0];
        out[4] = b[1];
        out[5] = x / length;
        out[6] = y / length;
    }
}
