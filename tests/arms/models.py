"""Arms of strangers, as MJCF and URDF: what people bring."""

from __future__ import annotations

from hierbrush.arms import PRESETS

_UR = (
    ("shoulder_pan_joint", "0 0 0.1625", "0 0 0"),
    ("shoulder_lift_joint", "0 0 0", "1.570796326794897 0 0"),
    ("elbow_joint", "-0.425 0 0", "0 0 0"),
    ("wrist_1_joint", "-0.3922 0 0.1333", "0 0 0"),
    ("wrist_2_joint", "0 -0.0997 0", "1.570796326794897 0 0"),
    ("wrist_3_joint", "0 0.0996 0", "1.570796326794897 3.141592653589793 3.141592653589793"),
)
MESH = (
    '<visual><geometry><mesh filename="package://ur/meshes/base.dae"/></geometry></visual>'
    '<collision><geometry><mesh filename="package://ur/meshes/base.stl"/></geometry></collision>'
)
INERTIA = '<inertia ixx="0.02" iyy="0.02" izz="0.02" ixy="0" ixz="0" iyz="0"/>'
GRIPPER = "".join(
    f'<link name="{name}"><inertial><mass value="0.1"/>{INERTIA}</inertial></link><joint name="{name}_joint" '
    f'type="prismatic"><parent link="flange"/><child link="{name}"/><axis xyz="1 0 0"/><limit lower="0" upper="0.04" '
    f'effort="5" velocity="1"/>{mimic}</joint>'
    for name, mimic in (("left", ""), ("right", '<mimic joint="left_joint"/>'))
)


def ur_urdf(*, kind: str = "revolute", shapes: str = "", mass: bool = True, more: str = "", speed: float = 3.14) -> str:
    """Return a UR5e as ROS describes it: a base fixed to the world, a flange, and a tip that is a link."""
    limits = f'<limit lower="-6.28" upper="6.28" effort="150" velocity="{speed}"/>'
    if kind == "continuous":
        limits = f'<limit effort="150" velocity="{speed}"/>'
    parts, parent = ['<robot name="ur5e"><link name="world"/><link name="base_link"/>'], "base_link"
    parts.append('<joint name="fix" type="fixed"><parent link="world"/><child link="base_link"/></joint>')
    for at, (name, place, turn) in enumerate(_UR):
        weight = f'<inertial><mass value="2"/><origin xyz="0 0 0"/>{INERTIA}</inertial>' if mass else ""
        parts.append(
            f'<link name="l{at}">{weight}{shapes}</link><joint name="{name}" type="{kind}"><parent link="{parent}"/>'
            f'<child link="l{at}"/><origin xyz="{place}" rpy="{turn}"/><axis xyz="0 0 1"/>{limits}</joint>'
        )
        parent = f"l{at}"
    for name, place in (("flange", "0 0 0"), ("tip", "0 0 0.15")):
        parts.append(
            f'<link name="{name}"/><joint name="to_{name}" type="fixed"><parent link="{parent}"/><child link="{name}"/>'
            f'<origin xyz="{place}"/></joint>'
        )
        parent = name
    return "".join([*parts, more, "</robot>"])


def gantry_mjcf() -> str:
    """Return three slides that carry a brush which always points down."""
    return """<mujoco><worldbody><body name="x"><joint name="x" type="slide" axis="1 0 0" range="0 0.4"/>
    <geom type="capsule" fromto="0 -.3 .3 0 .3 .3" size=".02" mass="2"/>
    <body name="y"><joint name="y" type="slide" axis="0 1 0" range="-.25 .25"/><geom type="box" pos="0 0 .3"
    size=".03 .03 .03" mass="1"/><body name="z" pos="0 0 .2"><joint name="z" type="slide" axis="0 0 -1" range="0 .25"/>
    <geom type="capsule" fromto="0 0 0.04 0 0 .1" size=".01" mass=".3"/><site name="tip" quat="0 1 0 0"/>
    </body></body></body></worldbody></mujoco>"""


def seven_mjcf() -> str:
    """Return the UR5e with a seventh joint before its flange."""
    text = PRESETS["ur5e"].mjcf.replace(
        '<body name="flange"',
        '<body name="seventh"><joint name="seventh" axis="1 0 0" range="-3 3" armature=".1"/><geom size=".01" '
        'mass=".05"/><body name="flange"',
    )
    at = text.rindex("</body></worldbody>")
    return f"{text[:at]}</body>{text[at:]}"


def busy_mjcf() -> str:
    """Return the UR5e among what model collections bring: drives, a gripper on a tendon, a key frame, a loose cup."""
    joints = ("shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3")
    fingers = "".join(
        f'<body name="{name}"><joint name="{name}" type="slide" axis="{side} 0 0" range="0 .04"/><geom size=".002" '
        'mass=".01"/></body>'
        for name, side in (("left", 1), ("right", -1))
    )
    cup = '<body name="cup" pos="1 1 .1"><freejoint/><geom size=".03"/></body>'
    drives = "".join(f'<position name="{name}" joint="{name}" kp="2000"/>' for name in joints)
    more = (
        '<tendon><fixed name="both"><joint joint="left" coef=".5"/><joint joint="right" coef=".5"/></fixed></tendon>'
        f'<equality><joint joint1="left" joint2="right"/></equality><actuator>{drives}<general name="grip" '
        'tendon="both"/></actuator><keyframe><key name="home" qpos="1 1 .1 1 0 0 0 0 -1.57 1.57 -1.57 -1.57 0 0 0" '
        'ctrl="0 0 0 0 0 0 0"/></keyframe>'
    )
    text = (
        PRESETS["ur5e"]
        .mjcf.replace("<worldbody>", f"<worldbody>{cup}")
        .replace('<site name="root"', f'{fingers}<site name="root"')
    )
    return text.replace("</mujoco>", f"{more}</mujoco>")
